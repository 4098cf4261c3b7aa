package listener

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// seen is what rules are shown of a refused request.
func seen(x *exchange.Exchange) string {
	var b strings.Builder
	b.WriteString(x.Request.Line())
	for _, f := range x.Request.Header {
		b.WriteString("|" + f.Name + ":" + f.Value)
	}
	return b.String()
}

// never is a handler that a refused request must not come to.
func never(t *testing.T) exchange.Handler {
	return handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		t.Errorf("the handler got %+v", x.Request)
		reply(x, 200, "")
	})
}

func TestRefusedRequestsAreShown(t *testing.T) {
	shown := make(chan *exchange.Exchange, 1)
	r := start(t, Config{Settings: Settings{Body: 100}, Refused: func(x *exchange.Exchange) { shown <- x }}, never(t))
	for _, c := range []struct {
		name, raw, status string
		code              reason.Code
		seen              string
	}{
		{"bare LF", "GET /a HTTP/1.1\nHost: a\n\n", "400", reason.HTTP1BareLF, "GET /a HTTP/1.1|Host:a"},
		{"two hosts", "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\nX_y: 1\r\n\r\n", "400", reason.HTTP1BadHost, "GET /a HTTP/1.1|Host:a|Host:b|X_y:1"},
		{"no host", "GET /a HTTP/1.1\r\nX: y\r\n\r\n", "400", reason.HTTP1BadHost, "GET /a HTTP/1.1|X:y"},
		{"bad version", "GET /a JUNK/1.0\r\nHost: a\r\n\r\n", "400", reason.HTTP1BadRequestLine, "GET /a JUNK/1.0|Host:a"},
		{"simple request", "GET /a\r\n", "505", reason.HTTP1BadVersion, "GET /a"},
		{"fault in a late field", "GET /a HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\nX: y\r\n\r\n", "400", reason.HTTP1BadHeader, "GET /a HTTP/1.1|Host:a|Bad Name:1|X:y"},
		{"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "501", reason.ClientBadRequest, "CONNECT a:1 HTTP/1.1|Host:a:1"},
		{"body too big", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "413", reason.LimitBodyTooBig, "POST /a HTTP/1.1|Host:a|Content-Length:101"},
		{"head that goes on", "GET /a HTTP/9.9\r\nHost: a\r\nX: y", "505", reason.HTTP1BadVersion, "GET /a HTTP/9.9|Host:a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := r.talk(c.raw); !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") {
				t.Errorf("answer %q, want %s", got, c.status)
			}
			x := r.record()
			if x.Refused == nil || x.Refused.Code != c.code || x.Answer.Reason != c.code {
				t.Errorf("refused for %v, answered for %s, want %s", x.Refused, x.Answer.Reason, c.code)
			}
			select {
			case s := <-shown:
				if s != x || seen(s) != c.seen {
					t.Errorf("shown %q, want %q", seen(s), c.seen)
				}
			default:
				t.Error("not shown before it was recorded")
			}
		})
	}
}

// TestWhatIsNotShown holds that what is no request, and what never came whole, is none for rules.
func TestWhatIsNotShown(t *testing.T) {
	r := start(t, Config{Refused: func(x *exchange.Exchange) { t.Errorf("shown %q", seen(x)) }}, never(t))
	r.talk("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	if x := r.record(); x.Answer.Reason != reason.ClientTLSOnPlain {
		t.Errorf("recorded %s", x.Answer.Reason)
	}
	c := r.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n")
	_ = c.Close()
}

func TestH2RefusedRequestsAreShown(t *testing.T) {
	shown := make(chan *exchange.Exchange, 1)
	x := startH2With(t, Config{Refused: func(x *exchange.Exchange) { shown <- x }}, never(t))
	_ = x.headers(1, true, x.request(":path", "/a#b", "x-a", "1", "x-b", "2"))
	if got := x.outcome(1); !strings.HasPrefix(got, "400") {
		t.Errorf("got %q", got)
	}
	s := x.record()
	select {
	case <-shown:
	default:
		t.Fatal("not shown before it was recorded")
	}
	if got := seen(s); got != "GET /a#b HTTP/2|host:a.test|x-a:1|x-b:2" || s.Refused.Code != reason.HTTP1BadTarget {
		t.Errorf("shown %q for %v", got, s.Refused)
	}
}
