package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// body is a request body from a string, read in pieces.
type body struct{ io.Reader }

func (body) Trailer() exchange.Header { return nil }
func (body) Close() error             { return nil }

func newExchange(method, target, content string) *exchange.Exchange {
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), W: noWriter{}, Client: &exchange.Client{ConnID: 7}}
	x.Request = exchange.Request{Method: method, Target: target, Scheme: "https", Authority: "example.com", Proto: exchange.HTTP11, Body: exchange.NoBody}
	x.Request.Path, x.Request.Query, x.Request.HasQuery = splitTarget(target)
	if content != "" {
		x.Request.Body, x.Request.Length = body{strings.NewReader(content)}, int64(len(content))
	}
	return x
}

// fetch makes one exchange and reads its answer.
func fetch(t *testing.T, o *Origin, x *exchange.Exchange) (status int, content string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, reason.New(reason.UsShutdown, "the test waits no longer", nil))
	defer cancel()
	resp, err := o.RoundTrip(ctx, x, &x.Request)
	if err != nil {
		return 0, "", err
	}
	status = resp.Status
	b, err := io.ReadAll(bodyReader{resp.Body})
	_ = resp.Body.Close()
	return status, string(b), err
}

type bodyReader struct{ exchange.Body }

func newOrigin(t *testing.T, cfg Config) *Origin {
	t.Helper()
	o, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func pool(s *httptest.Server) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(s.Certificate())
	return p
}

func TestRoundTrip(t *testing.T) {
	for _, version := range []string{"1.1", "2"} {
		t.Run("http "+version, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				w.Header().Set("X-Proto", r.Proto)
				_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(b))
			}))
			s.EnableHTTP2 = true
			s.StartTLS()
			defer s.Close()
			o := newOrigin(t, Config{URLs: []string{s.URL}, HTTP: version, TLS: TLS{Roots: pool(s)}})
			for i := range 3 {
				x := newExchange("POST", "/a%2Fb//c?x=%zz&", "hello")
				status, got, err := fetch(t, o, x)
				if err != nil || status != 200 || got != "POST /a%2Fb//c?x=%zz& hello" {
					t.Fatalf("got %d %q %v", status, got, err)
				}
				a := x.Attempts[0]
				if a.Reused != (i > 0) || a.Status != 200 || a.Peer == nil || a.TLSVersion != tls.VersionTLS13 || a.BytesReceived == 0 {
					t.Errorf("attempt %d: %+v", i, a)
				}
				if a.FirstByte == exchange.NotReached || a.Body == exchange.NotReached || a.Write == exchange.NotReached {
					t.Errorf("attempt %d: phases missing: %+v", i, a)
				}
			}
		})
	}
}

func TestLargeBodies(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Got", itoa(int(n)))
		_, _ = io.CopyN(w, zeros{}, 3<<20)
	}))
	defer s.Close()
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s), MaxVersion: tls.VersionTLS12}})
	for _, chunked := range []bool{false, true} {
		x := newExchange("POST", "/", strings.Repeat("x", 1<<20))
		if chunked {
			x.Request.Length = exchange.Chunked
		}
		resp, err := o.RoundTrip(t.Context(), x, &x.Request)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("X-Got") != "1048576" {
			t.Errorf("origin got %s bytes", resp.Header.Get("X-Got"))
		}
		n, err := io.Copy(io.Discard, bodyReader{resp.Body})
		if n != 3<<20 || err != nil {
			t.Errorf("got %d bytes, %v", n, err)
		}
		_ = resp.Body.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// rawServer accepts connections and gives each to serve.
func rawServer(t *testing.T, serve func(c *net.TCPConn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c.(*net.TCPConn), bufio.NewReader(c))
			}()
		}
	}()
	return l.Addr().String()
}

// readHead reads a request head and reports whether one came.
func readHead(r *bufio.Reader) bool {
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return err == nil
		}
	}
}

// answering reads one request head and answers it.
func answering(s string) func(*net.TCPConn, *bufio.Reader) {
	return func(c *net.TCPConn, r *bufio.Reader) { readHead(r); _, _ = io.WriteString(c, s) }
}

// hangUp ends the connection from its side, and takes what still comes: unread bytes would make a reset of the end.
func hangUp(c *net.TCPConn, r *bufio.Reader) {
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, r)
}

// soon shortens the one timeout that ends in want, and no other: on a busy machine those would end first what has
// nothing to do with them.
func soon(want reason.Code) Timeouts {
	switch want {
	case reason.DNSTimeout:
		return Timeouts{DNS: 100 * time.Millisecond}
	case reason.TLSTimeout:
		return Timeouts{TLS: 100 * time.Millisecond}
	case reason.WriteTimeout:
		return Timeouts{Write: 100 * time.Millisecond}
	case reason.ReadFirstByteTimeout:
		return Timeouts{FirstByte: 100 * time.Millisecond}
	case reason.ReadHeaderStall:
		return Timeouts{FirstByte: time.Second} // by then the start of the head is there
	case reason.ReadBodyStall:
		return Timeouts{ReadIdle: 100 * time.Millisecond}
	}
	return Timeouts{}
}

func TestReasons(t *testing.T) {
	answer := answering
	cases := []struct {
		name   string
		scheme string
		serve  func(c *net.TCPConn, r *bufio.Reader)
		want   reason.Code
	}{
		{"accept then close", "http", hangUp, reason.ReadEOFBeforeHeader},
		{"accept then close, tls", "https", hangUp, reason.TLSEOF},
		{"close after request", "http", func(_ *net.TCPConn, r *bufio.Reader) { readHead(r) }, reason.ReadEOFBeforeHeader},
		{"reset after request", "http", func(c *net.TCPConn, r *bufio.Reader) { readHead(r); _ = c.SetLinger(0) }, reason.ReadResetBeforeHeader},
		{"half a header", "http", answer("HTTP/1.1 200 OK\r\nContent-"), reason.ReadEOFInHeader},
		{"half a body", "http", answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive"), reason.ReadTruncated},
		{"half a chunked body", "http", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfi"), reason.ReadTruncated},
		{"slow first byte", "http", func(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }, reason.ReadFirstByteTimeout},
		{"slow header", "http", func(c *net.TCPConn, r *bufio.Reader) {
			readHead(r)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nA: ")
			_, _ = io.Copy(io.Discard, r)
		}, reason.ReadHeaderStall},
		{"slow body", "http", func(c *net.TCPConn, r *bufio.Reader) {
			readHead(r)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, r)
		}, reason.ReadBodyStall},
		{"tls silence", "https", func(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }, reason.TLSTimeout},
		{"plain http on the tls port", "https", func(c *net.TCPConn, r *bufio.Reader) {
			_, _ = r.Peek(5)
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}, reason.TLSNotTLS},
		{"tls on the plain port", "http", answer("\x15\x03\x01\x00\x02\x02\x46"), reason.TLSWrongPort},
		{"garbage", "http", answer("garbage\r\n\r\n"), reason.HTTP1BadStatusLine},
		{"cl and te", "http", answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), reason.HTTP1CLAndTE},
		{"unasked 101", "http", answer("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), reason.HTTP1BadUpgrade},
		{"1xx storm", "http", answer(strings.Repeat("HTTP/1.1 103 Early\r\n\r\n", 40)), reason.HTTP1TooManyInformational},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			addr := rawServer(t, c.serve)
			o := newOrigin(t, Config{URLs: []string{c.scheme + "://" + addr}, Timeouts: soon(c.want)})
			x := newExchange("POST", "/", "")
			_, _, err := fetch(t, o, x)
			r := reason.Of(err)
			if r == nil || r.Code != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if a := x.Attempts[len(x.Attempts)-1]; a.Reason != c.want {
				t.Errorf("attempt has %q (%s)", a.Reason, a.Detail)
			} else {
				checkTold(t, a.Reason, a.Detail)
			}
		})
	}
}

func TestClosedPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	o := newOrigin(t, Config{URLs: []string{"https://" + l.Addr().String()}})
	if _, _, err := fetch(t, o, newExchange("GET", "/", "")); reason.Of(err) == nil || reason.Of(err).Code != reason.TCPRefused {
		t.Fatalf("got %v", err)
	}
}

// TestStaleConnection closes a kept connection under the gateway: a GET is sent again, a POST is not.
func TestStaleConnection(t *testing.T) {
	first := make(chan struct{}, 8)
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		readHead(r) // the second request arrives, the connection dies
		first <- struct{}{}
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	get := func(method string) (*exchange.Exchange, error) {
		x := newExchange(method, "/", "")
		_, _, err := fetch(t, o, x)
		return x, err
	}
	if _, err := get("GET"); err != nil {
		t.Fatal(err)
	}
	x, err := get("GET")
	if err != nil || len(x.Attempts) != 2 || x.Attempts[0].Reason != reason.ReadStaleReusedConnection || !x.Attempts[0].Retried {
		t.Fatalf("GET: %v, attempts %+v", err, x.Attempts)
	}
	if x, err = get("POST"); reason.Of(err) == nil || reason.Of(err).Code != reason.ReadStaleReusedConnection || len(x.Attempts) != 1 {
		t.Fatalf("POST: %v, attempts %+v", err, x.Attempts)
	}
}

// TestClientGoneInTheBody holds that the origin is not blamed for a pause in which the client left.
func TestClientGoneInTheBody(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
		_, _ = io.Copy(io.Discard, r)
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	ctx, cancel := context.WithCancelCause(t.Context())
	x := newExchange("GET", "/", "")
	res, err := o.RoundTrip(ctx, x, &x.Request)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.ReadFull(res.Body, make([]byte, 3)); err != nil {
		t.Fatalf("%d bytes: %v", n, err)
	}
	cancel(reason.New(reason.ClientGone, "", nil))
	_, err = res.Body.Read(make([]byte, 3))
	if r := reason.Of(err); r == nil || r.Code != reason.ClientGone || x.Attempts[0].Reason != reason.ClientGone {
		t.Fatalf("got %v, %+v", err, x.Attempts)
	}
}

func TestClientGone(t *testing.T) {
	asked := make(chan struct{})
	addr := rawServer(t, func(_ *net.TCPConn, r *bufio.Reader) { readHead(r); close(asked); _, _ = io.Copy(io.Discard, r) })
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-asked; cancel(reason.New(reason.ClientGone, "", nil)) }()
	x := newExchange("GET", "/", "")
	_, err := o.RoundTrip(ctx, x, &x.Request)
	if r := reason.Of(err); r == nil || r.Code != reason.ClientGone {
		t.Fatalf("got %v", err)
	}
}
