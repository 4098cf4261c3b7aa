package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// shortListener fails its first Accepts as a process out of descriptors does.
type shortListener struct {
	net.Listener
	left atomic.Int32
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptSurvivesShortage(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	short := &shortListener{Listener: ln}
	short.left.Store(5)
	r := startOn(t, short, Config{}, echo)
	if out := r.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.Contains(out, "200") {
		t.Errorf("got %q", out)
	}
	if x := r.record(); x.Answer.Reason != reason.LimitNoFDs {
		t.Errorf("reason %s", x.Answer.Reason)
	}
}

func TestWatchOverTLS(t *testing.T) {
	ca := newAuthority(t, "test CA")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := readsListener{ln, new(atomic.Int32)}
	cause := make(chan error, 1)
	r := startOn(t, l, Config{TLS: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}, Settings: Settings{Watch: 5 * time.Millisecond}},
		handlerFunc(func(ctx context.Context, x *exchange.Exchange) {
			if x.Request.Path == "/gone" {
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return
			}
			l.awaitWatch()
			reply(x, 200, x.Request.Path)
		}))
	c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "a.test"})
	if err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(c)
	for _, path := range []string{"/1", "/2", "/3"} { // the deadline that ends the watch must not stay with crypto/tls
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, body := answer(t, br, "GET"); body != path {
			t.Errorf("got %q, want %s", body, path)
		}
	}
	_, _ = io.WriteString(c, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.Close()
	if e := reason.Of(<-cause); e == nil || e.Code != reason.ClientGone {
		t.Errorf("cause %v", e)
	}
}

func TestHTTP10KeepAlive(t *testing.T) {
	r := start(t, Config{}, echo)
	c := r.dial()
	br := bufio.NewReader(c)
	for range 2 {
		_, _ = io.WriteString(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		if res, _ := answer(t, br, "GET"); res.Header.Get("Connection") != "keep-alive" {
			t.Errorf("Connection: %q", res.Header.Get("Connection"))
		}
	}
	if out := r.talk("GET / HTTP/1.0\r\n\r\n"); !strings.Contains(out, "Connection: close") {
		t.Errorf("without keep-alive: %q", out)
	}
}

func TestBodyLimitOfARoute(t *testing.T) {
	limited := handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		x.Request.Body.(interface{ SetLimit(int64) }).SetLimit(5)
		_, err := readBody(x)
		if e := reason.Of(err); e != nil {
			reply(x, 413, string(e.Code))
			return
		}
		reply(x, 200, "ok")
	})
	r := start(t, Config{}, limited)
	for body, want := range map[string]string{"12345": "ok", "123456": "limit.body_too_big"} {
		out := r.talk("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + string('0'+rune(len(body))) + "\r\n" + body + "\r\n0\r\n\r\n")
		if !strings.HasSuffix(out, "\r\n\r\n"+want) {
			t.Errorf("%s: %q", body, out)
		}
	}
	x := startH2(t, Settings{}, limited)
	_ = x.headers(1, false, x.request(":method", "POST"))
	_ = x.fr.WriteData(1, true, []byte("12345"))
	if got := x.outcome(1); got != "200 ok" {
		t.Errorf("HTTP/2: %q", got)
	}
	_ = x.headers(3, false, x.request(":method", "POST"))
	_ = x.fr.WriteData(3, true, []byte("123456"))
	if got := x.outcome(3); got != "413 limit.body_too_big" {
		t.Errorf("HTTP/2: %q", got)
	}
}

func TestBodyTimeIsBounded(t *testing.T) {
	failed := make(chan error, 1)
	r := start(t, Config{Settings: Settings{BodyIdle: 30 * time.Millisecond}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		_, err := readBody(x)
		failed <- err
		reply(x, 408, "slow")
	}))
	out := r.talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	if e := reason.Of(<-failed); e == nil || e.Code != reason.ClientSlow {
		t.Errorf("error %v, want client.slow", e)
	}
	if !strings.HasPrefix(out, "HTTP/1.1 408 ") || !strings.Contains(out, "Connection: close") {
		t.Errorf("got %q", out)
	}
}

func TestClientGoneInsideItsBody(t *testing.T) {
	failed := make(chan error, 1)
	r := start(t, Config{}, handlerFunc(func(ctx context.Context, x *exchange.Exchange) {
		_, err := readBody(x)
		if ctx.Err() == nil {
			err = errors.New("context goes on")
		}
		failed <- err
	}))
	c := r.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	_ = c.Close()
	err := <-failed
	if e := reason.Of(err); e == nil || e.Code != reason.ClientGone {
		t.Errorf("error %v, want client.gone", err)
	}
}
