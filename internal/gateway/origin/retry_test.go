package origin

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/reason"
)

// TestExpectRefused: an old server answers 417 to our Expect; the body was held back, so that it goes without, once more.
func TestExpectRefused(t *testing.T) {
	s := newTLSServer(t, nil)
	s.TLS.MaxVersion = tls.VersionTLS12
	addr := rawServer(t, func(c *net.TCPConn, _ *bufio.Reader) {
		srv := tls.Server(c, s.TLS)
		r := bufio.NewReader(srv)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.Header.Get("Expect") != "" {
			_, _ = io.WriteString(srv, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
			return
		}
		n, _ := io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(srv, "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Got: "+itoa(int(n))+"\r\nContent-Length: 0\r\n\r\n")
	})
	o := newOrigin(t, Config{URLs: []string{"https://" + addr}, TLS: TLS{Roots: pool(s)}})
	x := uploadOf(100<<10, strings.NewReader(strings.Repeat("x", 100<<10)))
	status, _, err := fetch(t, o, x)
	if status != 200 || err != nil || len(x.Attempts) != 2 || x.Attempts[0].Reason != reason.WriteExpectRefused {
		t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
	}
}

// TestMisdirected: a 421 on a kept connection, or on a resumed session, is answered by a fresh one, once.
func TestMisdirected(t *testing.T) {
	var always atomic.Bool
	s := newTLSServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume || r.URL.Path == "/421" && always.Load() {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
		w.Header().Set("Connection", "close")
	})
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	get := func(path string, status, attempts int) {
		t.Helper()
		x := newExchange("GET", path, "")
		got, _, err := fetch(t, o, x)
		if got != status || err != nil || len(x.Attempts) != attempts {
			t.Fatalf("got %d %v, attempts %+v", got, err, x.Attempts)
		}
	}
	get("/", 200, 1)
	get("/", 200, 2) // the session was resumed
	always.Store(true)
	get("/421", 421, 2)
}

// TestElsewhere: what one URL could not take goes to the other; what it may have taken does not, but for safe methods.
func TestElsewhere(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	good := rawServer(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	drops := rawServer(t, func(_ *net.TCPConn, r *bufio.Reader) { readHead(r) })
	for _, c := range []struct {
		name, method, bad string
		ok                bool
	}{
		{"nobody listens", "POST", dead.Addr().String(), true},
		{"dropped, POST", "POST", drops, false},
		{"dropped, GET", "GET", drops, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrigin(t, Config{URLs: []string{"http://" + c.bad, "http://" + good}, Health: Health{PassiveFall: -1}})
			failed := 0
			for range 4 {
				x := newExchange(c.method, "/", "")
				if status, _, err := fetch(t, o, x); err != nil || status != 200 {
					failed++
				}
			}
			if (failed == 0) != c.ok {
				t.Errorf("%d of 4 failed", failed)
			}
		})
	}
}

// TestHealth: the first check decides, then rise and fall; checks do not need a place under MaxConns.
func TestHealth(t *testing.T) {
	var sick atomic.Bool
	s := newTLSServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(500)
		}
	})
	seen := make(watcher, 16)
	o, err := New(Config{Name: "site", URLs: []string{s.URL}, Host: "example.com", MaxConns: 1, TLS: TLS{Roots: pool(s)},
		Health: Health{Path: "/healthz?x", Interval: 5 * time.Millisecond}}, Deps{Observer: seen})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	x := newExchange("GET", "/", "")
	resp, err := o.RoundTrip(t.Context(), x, &x.Request) // holds the only place
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	sick.Store(true)
	if got := <-seen; got.up || got.why != reason.OriginHealthStatusMismatch {
		t.Fatalf("got %+v", got)
	}
	y := newExchange("GET", "/", "")
	_, _, err = fetch(t, o, y)
	wantCode2(t, err, reason.ConfigAllOriginsDown)
	sick.Store(false)
	if got := <-seen; !got.up {
		t.Fatalf("got %+v", got)
	}
}

func wantCode2(t *testing.T, err error, want reason.Code) {
	t.Helper()
	if r := reason.Of(err); r == nil || r.Code != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

type change struct {
	up  bool
	why reason.Code
}

type watcher chan change

func (w watcher) HealthChanged(_, _ string, up bool, why error) {
	c := change{up: up}
	if r := reason.Of(why); r != nil {
		c.why = r.Code
	}
	w <- c
}

// TestHealthOfARenegotiatingOrigin: a check goes through a renegotiation like any request.
func TestHealthOfARenegotiatingOrigin(t *testing.T) {
	o := labOrigin(t, lab.Config{Fault: "renegotiate-accept"}, Config{Host: lab.DefaultName})
	ep := o.endpoints[0]
	o.cfg.Health.Path = "/"
	if r := ep.check(t.Context()); r != nil {
		t.Error(r)
	}
}

// TestIdentity: connections that carry somebody's identity are for that client alone, over either version of HTTP.
func TestIdentity(t *testing.T) {
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })
	certified := newServer(t, serve, func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert })
	cert := certified.TLS.Certificates[0]
	for _, version := range []string{"1.1", "2"} {
		for _, shared := range []bool{false, true} {
			o := newOrigin(t, Config{URLs: []string{certified.URL}, HTTP: version,
				TLS: TLS{Roots: pool(certified), Certificate: &cert, ShareConnection: shared}})
			from := func(client uint64) string {
				x := newExchange("GET", "/", "")
				x.Client = &exchange.Client{ConnID: client}
				_, addr, err := fetch(t, o, x)
				if err != nil {
					t.Fatal(err)
				}
				return addr
			}
			a, b := from(1), from(2)
			if (a == b) != shared {
				t.Errorf("http %s, shared %v: two clients came from %s and %s", version, shared, a, b)
			}
			if again := from(1); again != a {
				t.Errorf("http %s, shared %v: client 1 came from %s, then from %s", version, shared, a, again)
			}
			o.DropClient(1)
			if again := from(1); (again == a) != shared {
				t.Errorf("http %s, shared %v: client 1 came from %s again after it had left", version, shared, a)
			}
		}
	}
}

// TestNTLMNeedsHTTP1: credentials that authenticate a connection never go over HTTP/2.
func TestNTLMNeedsHTTP1(t *testing.T) {
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }), nil)
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	// In this order: once the client has an HTTP/1.1 connection of its own, it keeps to that.
	for _, c := range [][2]string{{"HTTP/2.0", "Basic eDp5"}, {"HTTP/1.1", "NTLM TlRMTVNTUAAB"}} {
		want, auth := c[0], c[1]
		x := newExchange("GET", "/", "")
		x.Request.Header.Add("Authorization", auth)
		if _, got, err := fetch(t, o, x); got != want || err != nil {
			t.Errorf("%s went over %s, %v", auth, got, err)
		}
	}
}

// TestALPNDemanded: http: "2" against an origin without it.
func TestALPNDemanded(t *testing.T) {
	s := newTLSServer(t, nil)
	for _, c := range []struct {
		protos []string
		want   reason.Code
	}{{nil, reason.TLSALPNNone}, {[]string{"spdy/3"}, reason.TLSALPNNone}} {
		addr := rawServer(t, func(nc *net.TCPConn, _ *bufio.Reader) {
			cfg := s.TLS.Clone()
			cfg.NextProtos = c.protos
			_ = tls.Server(nc, cfg).HandshakeContext(t.Context())
		})
		o := newOrigin(t, Config{URLs: []string{"https://" + addr}, HTTP: "2", TLS: TLS{Roots: pool(s)}})
		x := newExchange("GET", "/", "")
		_, _, err := fetch(t, o, x)
		wantCode(t, x, err, c.want)
	}
}

// TestCloseWhileRunning: Close leaves running exchanges alone; their connections end with them.
func TestCloseWhileRunning(t *testing.T) {
	release := make(chan struct{})
	for _, version := range []string{"1.1", "2"} {
		o := h2Origin(t, Config{}, func(p *h2Peer) {
			_ = p.WriteSettings()
			p.requests(func(m *http2.MetaHeadersFrame) {
				p.head(m.StreamID, false, ":status", "200")
				<-release
				_ = p.WriteData(m.StreamID, true, []byte("late"))
			})
		})
		if version == "1.1" {
			o = newOrigin(t, Config{URLs: []string{"http://" + rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
				readHead(r)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
				<-release
				_, _ = io.WriteString(c, "late")
			})}})
		}
		x := newExchange("GET", "/", "")
		resp, err := o.RoundTrip(t.Context(), x, &x.Request)
		if err != nil {
			t.Fatal(err)
		}
		o.Close()
		if version == "1.1" {
			close(release)
		}
		b, err := io.ReadAll(bodyReader{resp.Body})
		if string(b) != "late" || err != nil {
			t.Errorf("http %s: got %q %v", version, b, err)
		}
		_ = resp.Body.Close()
		if n := o.Stats()[0].Open; n != 0 {
			t.Errorf("http %s: %d connections open", version, n)
		}
	}
}

// TestSessionFault: a session that cannot be resumed costs one attempt, which says so.
func TestSessionFault(t *testing.T) {
	s := newTLSServer(t, nil)
	front := rawServer(t, func(c *net.TCPConn, _ *bufio.Reader) {
		cfg := s.TLS.Clone()
		cfg.MaxVersion = tls.VersionTLS12
		cfg.SetSessionTicketKeys([][32]byte{{1}})
		cfg.UnwrapSession = func(ticket []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
			if len(ticket) == 0 {
				return nil, nil
			}
			return nil, io.ErrUnexpectedEOF // crypto/tls sends internal_error
		}
		srv := tls.Server(c, cfg)
		br := bufio.NewReader(srv)
		if readHead(br) {
			_, _ = io.WriteString(srv, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	})
	o := newOrigin(t, Config{URLs: []string{"https://" + front}, TLS: TLS{Roots: pool(s)}})
	for want := 1; want <= 2; want++ {
		x := newExchange("POST", "/", "")
		status, _, err := fetch(t, o, x)
		if status != 200 || err != nil || len(x.Attempts) != want {
			t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
		}
		if want == 2 && x.Attempts[0].Reason != reason.TLSSessionFault {
			t.Errorf("record %+v", x.Attempts[0])
		}
	}
}
