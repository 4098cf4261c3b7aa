package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

func TestKeepAliveAndPipelining(t *testing.T) {
	r := start(t, Config{}, echo)
	c := r.dial()
	const three = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	_, _ = io.WriteString(c, three)
	br := bufio.NewReader(c)
	for i, want := range []string{"GET /1 a []", "POST /2 a [hello]", "GET /3 a []"} {
		res, body := answer(t, br, "GET")
		if body != want || res.StatusCode != 200 {
			t.Errorf("answer %d: %d %q, want %q", i, res.StatusCode, body, want)
		}
		if res.Close != (i == 2) {
			t.Errorf("answer %d: close %v", i, res.Close)
		}
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last answer: %v, want EOF", err)
	}
}

func TestSplitAnywhere(t *testing.T) {
	r := start(t, Config{}, echo)
	const raw = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: v\r\n\r\n"
	for i := 1; i < len(raw); i += 7 {
		c := r.dial()
		_, _ = io.WriteString(c, raw[:i])
		_, _ = io.WriteString(c, raw[i:])
		if _, body := answer(t, bufio.NewReader(c), "POST"); body != "POST /x a [abcde] X-T=v" {
			t.Errorf("cut at %d: %q", i, body)
		}
		_ = c.Close()
	}
}

func TestRefusals(t *testing.T) {
	r := start(t, Config{Settings: Settings{HeaderBytes: 2000, LineBytes: 1000, HeaderFields: 10, Body: 100}}, echo)
	tests := []struct {
		name, raw, status string
		code              reason.Code
	}{
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "400", reason.HTTP1BareLF},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "400", reason.HTTP1BadHost},
		{"cl and te", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", "400", reason.HTTP1CLAndTE},
		{"long line", "GET /" + strings.Repeat("a", 1200) + " HTTP/1.1\r\nHost: a\r\n\r\n", "414", reason.HTTP1HeaderTooBig},
		{"many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 20) + "\r\n", "431", reason.HTTP1HeaderTooBig},
		{"version", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505", reason.HTTP1BadVersion},
		{"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "501", reason.ClientBadRequest},
		{"body too big", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "413", reason.LimitBodyTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := r.talk(tt.raw)
			if !strings.HasPrefix(out, "HTTP/1.1 "+tt.status+" ") {
				t.Errorf("answer %q, want %s", out, tt.status)
			}
			for _, want := range []string{"\r\nConnection: close\r\n", "\r\nProxy-Status: lunette; error=", "details=\"" + string(tt.code) + "\"\r\n"} {
				if !strings.Contains(out, want) {
					t.Errorf("answer lacks %q:\n%s", want, out)
				}
			}
			x := r.record()
			if x.Answer.Reason != tt.code || x.Answer.Status == 0 || x.Client == nil || x.ID == "" {
				t.Errorf("record %+v, want reason %s", x.Answer, tt.code)
			}
		})
	}
}

func TestChunkedBodyOverTheLimit(t *testing.T) {
	errs := make(chan error, 1)
	r := start(t, Config{Settings: Settings{Body: 10}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		_, err := readBody(x)
		errs <- err
		reply(x, 413, "too big")
	}))
	out := r.talk("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n8\r\nabcdefgh\r\n0\r\n\r\n")
	if !strings.HasPrefix(out, "HTTP/1.1 413 ") || !strings.Contains(out, "Connection: close") {
		t.Errorf("answer %q", out)
	}
	if e := reason.Of(<-errs); e == nil || e.Code != reason.LimitBodyTooBig {
		t.Errorf("body error %v", e)
	}
}

func TestHeaderTimeIsBounded(t *testing.T) {
	r := start(t, Config{Settings: Settings{Header: 40 * time.Millisecond, Idle: time.Minute}}, echo)
	out := r.talk("GET / HTTP/1.1\r\nHost: a\r\nX-Slow")
	if !strings.HasPrefix(out, "HTTP/1.1 408 ") {
		t.Errorf("answer %q, want 408", out)
	}
	if x := r.record(); x.Answer.Reason != reason.ClientSlow {
		t.Errorf("reason %q", x.Answer.Reason)
	}
}

func TestIdleConnectionIsClosedInSilence(t *testing.T) {
	r := start(t, Config{Settings: Settings{Idle: 40 * time.Millisecond}}, echo)
	if out, err := io.ReadAll(r.dial()); len(out) != 0 || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestClientGoneEndsTheContext(t *testing.T) {
	cause := make(chan error, 1)
	serving := make(chan struct{})
	r := start(t, Config{}, handlerFunc(func(ctx context.Context, _ *exchange.Exchange) {
		close(serving)
		<-ctx.Done()
		cause <- context.Cause(ctx)
	}))
	c := r.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-serving
	_ = c.Close()
	var e *reason.Error
	if err := <-cause; !errors.As(err, &e) || e.Code != reason.ClientGone {
		t.Errorf("cause %v, want client.gone", err)
	}
}

func TestByteReadAheadIsKept(t *testing.T) {
	slow := make(chan struct{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watched := make(chan struct{})
	l := readsListener{ln, new(atomic.Int32)}
	r := startOn(t, l, Config{Settings: Settings{Watch: time.Nanosecond}}, handlerFunc(func(ctx context.Context, x *exchange.Exchange) {
		if x.Request.Path == "/slow" {
			l.awaitWatch()
			close(watched)
			<-slow
		}
		if ctx.Err() != nil {
			t.Error("a client that pipelines counts as gone")
		}
		echo(ctx, x)
	}))
	c := r.dial()
	br := bufio.NewReader(c)
	_, _ = io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-watched
	_, _ = io.WriteString(c, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
	close(slow)
	for _, want := range []string{"GET /slow a []", "GET /next a []"} {
		if _, body := answer(t, br, "GET"); body != want {
			t.Errorf("got %q, want %q", body, want)
		}
	}
}

func TestExpectContinue(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(ctx context.Context, x *exchange.Exchange) {
		if x.Request.Path == "/no" {
			reply(x, 403, "no")
			return
		}
		echo(ctx, x)
	}))
	c := r.dial()
	br := bufio.NewReader(c)
	_, _ = io.WriteString(c, "POST /yes HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	if line, _ := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q", line)
	}
	_, _ = br.ReadString('\n')
	_, _ = io.WriteString(c, "abc")
	if _, body := answer(t, br, "POST"); body != "POST /yes a [abc]" {
		t.Errorf("got %q", body)
	}
	_, _ = io.WriteString(c, "POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	if res, _ := answer(t, br, "POST"); res.StatusCode != 403 || !res.Close {
		t.Errorf("got %d, close %v; the body that was held back leaves no way on", res.StatusCode, res.Close)
	}
}

func TestUnreadBody(t *testing.T) {
	r := start(t, Config{Settings: Settings{Drain: 1000}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) { reply(x, 200, x.Request.Path) }))
	c := r.dial()
	br := bufio.NewReader(c)
	_, _ = io.WriteString(c, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789")
	if res, _ := answer(t, br, "POST"); res.Close {
		t.Error("small unread body: connection not kept")
	}
	_, _ = io.WriteString(c, "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	go func() { _, _ = io.WriteString(c, strings.Repeat("x", 100000)) }()
	if res, body := answer(t, br, "POST"); !res.Close || body != "/large" {
		t.Errorf("large unread body: close %v, body %q", res.Close, body)
	}
}

// A client that reads only after it has sent everything, as many do, must not lose its answer to a reset.
func TestAnswerSurvivesLargeUnreadBody(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) { reply(x, 413, "too big") }))
	const size = 16 << 20
	c := r.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n")
	if _, err := io.WriteString(c, strings.Repeat("x", size)); err != nil {
		t.Fatalf("the upload was cut: %v", err)
	}
	if res, body := answer(t, bufio.NewReader(c), "POST"); res.StatusCode != 413 || !res.Close || body != "too big" {
		t.Errorf("%d %q close %v", res.StatusCode, body, res.Close)
	}
}

func TestResponseFraming(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		res := &exchange.Response{Status: 200, Length: exchange.Chunked}
		switch x.Request.Path {
		case "/204":
			res = &exchange.Response{Status: 204}
		case "/304":
			res = &exchange.Response{Status: 304, Header: exchange.Header{{Name: "Content-Length", Value: "7"}}}
		case "/close":
			res.Length = exchange.UntilClose
		case "/hints":
			_ = x.W.Informational(103, exchange.Header{{Name: "Link", Value: "</a>"}})
		}
		_ = x.W.Head(res)
		if x.Request.Path == "/trailer" {
			_ = x.W.Body([]byte("abc"), false)
			_ = x.W.Trailer(exchange.Header{{Name: "X-Sum", Value: "1"}})
			return
		}
		_ = x.W.Body([]byte("abc"), false)
		_ = x.W.Body([]byte("def"), true)
	}))
	tests := []struct{ name, request, want string }{
		{"chunked", "GET / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"},
		{"until close becomes chunked", "GET /close HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"},
		{"1.0", "GET / HTTP/1.0\r\n", "HTTP/1.1 200 \r\nConnection: close\r\n\r\nabcdef"},
		{"head", "HEAD / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 \r\nConnection: close\r\n\r\n"},
		{"204", "GET /204 HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 204 \r\nConnection: close\r\n\r\n"},
		{"304", "GET /304 HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 304 \r\nContent-Length: 7\r\nConnection: close\r\n\r\n"},
		{"early hints", "GET /hints HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 103 \r\nLink: </a>\r\n\r\nHTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"},
		{"trailer", "GET /trailer HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.talk(tt.request + "Connection: close\r\n\r\n"); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestUpgradeHandsBufferedBytesOver(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		s, err := x.W.Upgrade(&exchange.Response{Status: 101, Phrase: "Switching Protocols", Header: exchange.Header{{Name: "Upgrade", Value: "websocket"}}})
		if err != nil {
			t.Error(err)
			return
		}
		buf := make([]byte, 8)
		for n := 0; n < 8; {
			m, err := s.Read(buf[n:])
			if n += m; err != nil {
				t.Error(err)
				return
			}
		}
		_, _ = s.Write(append([]byte("got "), buf...))
	}))
	out := r.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nrawbytes")
	if !strings.HasSuffix(out, "Connection: Upgrade\r\n\r\ngot rawbytes") || !strings.HasPrefix(out, "HTTP/1.1 101 ") {
		t.Errorf("got %q", out)
	}
}

func TestAbortedAnswerIsCut(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		_ = x.W.Head(&exchange.Response{Status: 200, Length: exchange.Chunked})
		_ = x.W.Body([]byte("abc"), false)
		x.Aborted = true
	}))
	c := r.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	out, err := io.ReadAll(c)
	if err == nil && strings.Contains(string(out), "0\r\n\r\n") {
		t.Errorf("a cut answer looks whole: %q", out)
	}
}

func TestDrainedBodyIsNotWatched(t *testing.T) {
	r := start(t, Config{Settings: Settings{Watch: time.Nanosecond}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) { reply(x, 200, x.Request.Path) }))
	c := r.dial()
	br := bufio.NewReader(c)
	for range 200 { // were the drain to start the watch, its read would compete with the next request's
		_, _ = io.WriteString(c, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
		if _, body := answer(t, br, "POST"); body != "/a" {
			t.Fatalf("got %q", body)
		}
	}
}

// TestBodyClosedTooLate: an origin that answers early ends the exchange while the body is read. Where that Read has its bytes already, there was
// nothing to wake, and the connection, which the client was told is kept, goes on.
func TestBodyClosedTooLate(t *testing.T) {
	for name, size := range map[string]int{"last piece": 10, "piece before": 4} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
				b := x.Request.Body.(*h1Body)
				if err := b.beginRead(); err != nil {
					t.Error(err)
				}
				n, err := b.in.Read(make([]byte, size))
				_ = b.Close()
				if _, err = b.endRead(n, err); err != nil && !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				reply(x, 200, x.Request.Path)
			}))
			c := r.dial()
			br := bufio.NewReader(c)
			for _, path := range []string{"/first", "/second"} {
				_, _ = io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789")
				if res, body := answer(t, br, "POST"); res.Close || body != path {
					t.Fatalf("got %q, close %v", body, res.Close)
				}
			}
		})
	}
}

func TestAnswerLargerThanOneWrite(t *testing.T) {
	ca := newAuthority(t, "test CA")
	data := strings.Repeat("0123456789abcdef", 100_000)
	for _, cfg := range []Config{{}, {TLS: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}}} {
		for _, length := range []int64{int64(len(data)), exchange.Chunked} {
			r := start(t, cfg, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
				_ = x.W.Head(&exchange.Response{Status: 200, Length: length})
				_ = x.W.Body([]byte(data), true)
			}))
			c := r.dial()
			if cfg.TLS {
				c = tls.Client(c, &tls.Config{RootCAs: ca.pool, ServerName: "a.test"})
			}
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, body := answer(t, bufio.NewReader(c), "GET"); body != data {
				t.Errorf("tls %v, length %d: got %d bytes", cfg.TLS, length, len(body))
			}
		}
	}
}

func TestPanicEndsItsConnectionOnly(t *testing.T) {
	told := make(chan any, 1)
	r := start(t, Config{Panic: func(v any, _ []byte) { told <- v }}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		if x.Request.Path == "/panic" {
			panic("test")
		}
		reply(x, 200, "ok")
	}))
	c := r.dial()
	_, _ = io.WriteString(c, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
	_, _ = io.ReadAll(c)
	if v := <-told; v != "test" {
		t.Errorf("told of %v", v)
	}
	if x := r.record(); x.Answer.Reason != reason.UsPanic {
		t.Errorf("reason %s", x.Answer.Reason)
	}
	if out := r.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasSuffix(out, "ok") {
		t.Errorf("the next connection got %q", out)
	}
}

func TestSlowReaderIsCut(t *testing.T) {
	failed := make(chan error, 1)
	r := start(t, Config{Settings: Settings{Write: 50 * time.Millisecond}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		_ = x.W.Head(&exchange.Response{Status: 200, Length: exchange.Chunked})
		p := make([]byte, 1<<20)
		for {
			if err := x.W.Body(p, false); err != nil {
				failed <- err
				return
			}
		}
	}))
	_, _ = io.WriteString(r.dial(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if e := reason.Of(<-failed); e == nil || e.Code != reason.ClientSlow {
		t.Errorf("error %v, want client.slow", e)
	}
}

func TestLargeBodiesBothWays(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		body, err := readBody(x)
		if err != nil {
			t.Error(err)
		}
		_ = x.W.Head(&exchange.Response{Status: 200, Length: exchange.Chunked})
		_ = x.W.Body(body, false)
		_ = x.W.Body(body[:100], true)
		if x.Answer.BytesIn != 300000 || x.Answer.BytesOut != 300100 {
			t.Errorf("counted %d in, %d out", x.Answer.BytesIn, x.Answer.BytesOut)
		}
	}))
	c := r.dial()
	data := strings.Repeat("0123456789", 30000)
	go func() { _, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n"+data) }()
	if _, body := answer(t, bufio.NewReader(c), "POST"); body != data+data[:100] {
		t.Errorf("got %d bytes back", len(body))
	}
}

func TestConnectionLimits(t *testing.T) {
	for _, s := range []Settings{{Connections: 1}, {PerClient: 1}} {
		r := start(t, Config{Settings: s}, echo)
		first := r.dial()
		br := bufio.NewReader(first)
		_, _ = io.WriteString(first, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer(t, br, "GET")
		if out, _ := io.ReadAll(r.dial()); len(out) != 0 {
			t.Errorf("second connection was served: %q", out)
		}
		if x := r.record(); x.Answer.Reason != reason.LimitConnLimit {
			t.Errorf("reason %q", x.Answer.Reason)
		}
	}
}

func TestTLSOnPlainPort(t *testing.T) {
	r := start(t, Config{}, echo)
	c := r.dial()
	_, _ = c.Write([]byte{0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0})
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.ReadAll(c)
	if x := r.record(); x.Answer.Reason != reason.ClientTLSOnPlain {
		t.Errorf("reason %q", x.Answer.Reason)
	}
}

func TestRequestsPerConnection(t *testing.T) {
	r := start(t, Config{Settings: Settings{Requests: 2}}, echo)
	c := r.dial()
	br := bufio.NewReader(c)
	for i := range 2 {
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if res, _ := answer(t, br, "GET"); res.Close != (i == 1) {
			t.Errorf("request %d: close %v", i, res.Close)
		}
	}
}

func TestShutdownDrains(t *testing.T) {
	serving, release := make(chan struct{}), make(chan struct{})
	r := start(t, Config{}, handlerFunc(func(ctx context.Context, x *exchange.Exchange) {
		if x.Request.Path == "/slow" {
			close(serving)
			<-release
		}
		echo(ctx, x)
	}))
	idle, busy := r.dial(), r.dial()
	ib, bb := bufio.NewReader(idle), bufio.NewReader(busy)
	_, _ = io.WriteString(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	answer(t, ib, "GET")
	_, _ = io.WriteString(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-serving
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	if _, err := ib.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("idle connection: %v, want EOF", err)
	}
	close(release)
	if res, _ := answer(t, bb, "GET"); !res.Close || res.StatusCode != 200 {
		t.Errorf("running request: %d, close %v", res.StatusCode, res.Close)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if n := r.Connections(); n != 0 {
		t.Errorf("%d connections left", n)
	}
}

// A client that has just connected cannot tell a closed connection from a lost request: it may ask once.
func TestShutdownHearsNewcomers(t *testing.T) {
	r := start(t, Config{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) { reply(x, 200, "heard") }))
	c := r.dial()
	for r.Connections() == 0 { // accepted, not only in the queue
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(ctx) }()
	for !r.draining.Load() {
		runtime.Gosched()
	}
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if res, body := answer(t, bufio.NewReader(c), "GET"); res.StatusCode != 200 || body != "heard" || !res.Close {
		t.Errorf("%d %q close %v", res.StatusCode, body, res.Close)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownForces(t *testing.T) {
	serving := make(chan struct{})
	r := start(t, Config{}, handlerFunc(func(ctx context.Context, _ *exchange.Exchange) {
		close(serving)
		<-ctx.Done()
		if e := reason.Of(context.Cause(ctx)); e == nil || e.Code != reason.UsShutdown {
			t.Errorf("cause %v", context.Cause(ctx))
		}
	}))
	_, _ = io.WriteString(r.dial(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-serving
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
}
