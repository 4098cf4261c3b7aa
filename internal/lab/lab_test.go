package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

func start(t testing.TB, cfg Config) *Origin {
	t.Helper()
	o, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// client is a Go client as the gateway's origin leg sets it up; change adjusts it.
func client(o *Origin, change func(*tls.Config)) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(o.CA())
	cfg := &tls.Config{RootCAs: pool, ServerName: DefaultName, MinVersion: tls.VersionTLS12, Renegotiation: tls.RenegotiateFreelyAsClient}
	if change != nil {
		change(cfg)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableCompression: false}, Timeout: 20 * time.Second}
}

func get(c *http.Client, url string) (int, string, error) {
	r, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusSwitchingProtocols {
		return r.StatusCode, "", nil // its body is the connection, which stays open
	}
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, string(b), err
}

func TestHealthyOrigin(t *testing.T) {
	o := start(t, Config{})
	c := client(o, nil)
	for range 3 {
		status, body, err := get(c, "https://"+o.Addr()+"/path?q=1")
		if err != nil || status != 200 || !strings.Contains(body, "request: GET /path?q=1\n") || !strings.Contains(body, "handshakes: 1\n") {
			t.Fatalf("%d %v\n%s", status, err, body)
		}
	}
	if n := o.Connections(); n != 1 {
		t.Errorf("%d connections for three requests on a kept one", n)
	}
}

func TestPlainOrigin(t *testing.T) {
	o := start(t, Config{Plain: true, Renegotiate: Renegotiation{Path: "/", Auth: tlspeer.Accept}})
	status, body, err := get(http.DefaultClient, "http://"+o.Addr()+"/plain")
	if err != nil || status != 200 || !strings.Contains(body, "request: GET /plain\n") {
		t.Errorf("%d %v\n%s", status, err, body)
	}
	o = start(t, Config{Plain: true, Fault: "half-body"})
	if _, _, err := get(http.DefaultClient, "http://"+o.Addr()+"/"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a body: %v", err)
	}
}

func TestUnknownFaultIsNamed(t *testing.T) {
	if _, err := Start(context.Background(), Config{Fault: "no-such"}); err == nil || !strings.Contains(err.Error(), "no-such") {
		t.Errorf("got %v", err)
	}
}

// outcome puts into one word what a client got.
func outcome(status int, err error) string {
	var (
		alert   tls.AlertError
		record  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		timeout net.Error
		op      *net.OpError
		name1   *net.DNSError
	)
	switch {
	case err == nil:
		return http.StatusText(status)
	case errors.As(err, &name1):
		return "no name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &unknown):
		return "unknown ca"
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &invalid):
		return "invalid certificate"
	case errors.As(err, &record):
		return "not tls"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.As(err, &alert), errors.As(err, &op) && op.Op == "remote error":
		return "alert"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.Is(err, io.EOF):
		return "eof"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "refused answer"
}

func TestRenegotiation(t *testing.T) {
	authority, err := certs.NewCA("root", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	own, err := authority.Issue(certs.Options{Names: []string{"waf"}, Key: certs.RSA, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	withCert := func(c *tls.Config) { c.Certificates = []tls.Certificate{own.TLS()} }
	for name, tt := range map[string]struct {
		r          Renegotiation
		change     func(*tls.Config)
		status     int
		says       string
		handshakes string // after two requests on one connection
	}{
		"accept without":     {Renegotiation{Path: "/", Auth: tlspeer.Accept}, nil, 200, "client certificate: none", "handshakes: 2\n"},
		"accept with":        {Renegotiation{Path: "/", Auth: tlspeer.Accept}, withCert, 200, "client certificate: CN=waf", "handshakes: 2\n"},
		"require without":    {Renegotiation{Path: "/", Auth: tlspeer.Require}, nil, 403, "403.7", ""},
		"require with":       {Renegotiation{Path: "/", Auth: tlspeer.Require}, withCert, 200, "client certificate: CN=waf", "handshakes: 2\n"},
		"every":              {Renegotiation{Path: "/", Auth: tlspeer.Accept, Every: true}, nil, 200, "client certificate: none", "handshakes: 3\n"},
		"another path":       {Renegotiation{Path: "/private/", Auth: tlspeer.Require}, nil, 200, "client certificate: none", "handshakes: 1\n"},
		"ignore, new cipher": {Renegotiation{Path: "/", Auth: tlspeer.Ignore}, nil, 200, "client certificate: none", "handshakes: 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			o := start(t, Config{CA: authority, Renegotiate: tt.r})
			c := client(o, tt.change)
			var body string
			for range 2 {
				var status int
				var err error
				if status, body, err = get(c, "https://"+o.Addr()+"/page"); err != nil || status != tt.status || !strings.Contains(body, tt.says) {
					t.Fatalf("%d %v\n%s", status, err, body)
				}
			}
			if !strings.Contains(body, tt.handshakes) {
				t.Errorf("want %q in\n%s", tt.handshakes, body)
			}
			if o.Connections() != 1 {
				t.Errorf("%d connections, want one that is kept", o.Connections())
			}
		})
	}
}

// events collects what an origin says.
func events() (func(Event), <-chan Event) {
	ch := make(chan Event, 100)
	return func(e Event) { ch <- e }, ch
}

func await(t *testing.T, ch <-chan Event, kind EventKind) Event {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e := <-ch:
			if e.Kind == kind {
				return e
			}
		case <-deadline:
			t.Fatalf("no event %q", kind)
		}
	}
}

// The founding incident: direct 200; through a proxy that ignores the HelloRequest 504 when the proxy loses patience first
// and 502 when the origin does.
func TestFoundingIncident(t *testing.T) {
	legacy := tlspeer.Config{MaxVersion: tlswire.VersionTLS10, NoExtendedMasterSecret: true, NoEncryptThenMAC: true, Suites: []uint16{0x002f}}
	for name, tt := range map[string]struct {
		origin, proxy time.Duration
		careful       bool
		status        int
		last          EventKind
	}{
		"proxy gives up first":  {time.Minute, time.Second, false, 504, HelloRequest},
		"origin gives up first": {300 * time.Millisecond, time.Minute, false, 502, Reset},
		"a careful proxy":       {time.Minute, time.Minute, true, 200, Answered},
	} {
		t.Run(name, func(t *testing.T) {
			observe, seen := events()
			o := start(t, Config{Fault: "renegotiate-accept", TLS: legacy, Renegotiate: Renegotiation{Patience: tt.origin}, Observe: observe})
			p, err := StartCarelessProxy(context.Background(), ProxyConfig{Origin: o.Addr(), Patience: tt.proxy, Careful: tt.careful})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			status, _, err := get(http.DefaultClient, "http://"+p.Addr()+"/")
			if err != nil || status != tt.status {
				t.Errorf("through the proxy: %d, %v; want %d", status, err, tt.status)
			}
			await(t, seen, tt.last)
		})
	}
	o := start(t, Config{Fault: "renegotiate-accept"})
	if status, _, err := get(client(o, nil), "https://"+o.Addr()+"/"); err != nil || status != 200 {
		t.Errorf("direct: %d, %v", status, err)
	}
}

func TestRefusedRenegotiationIsReset(t *testing.T) {
	observe, seen := events()
	o := start(t, Config{Fault: "renegotiate-accept", Observe: observe})
	if _, _, err := get(client(o, func(c *tls.Config) { c.Renegotiation = tls.RenegotiateNever }), "https://"+o.Addr()+"/"); err == nil {
		t.Error("the client got an answer")
	}
	await(t, seen, Refused)
	await(t, seen, Reset)
}

// A body that is in flight when the HelloRequest leaves: within the read-ahead all is well, beyond it 413.
func TestBodyInFlight(t *testing.T) {
	observe, seen := events()
	o := start(t, Config{Fault: "renegotiate-accept", Renegotiate: Renegotiation{ReadAhead: 10_000}, Observe: observe})
	post := func(careful bool, n int) int {
		p, err := StartCarelessProxy(context.Background(), ProxyConfig{Origin: o.Addr(), Careful: careful})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		r, err := http.Post("http://"+p.Addr()+"/", "text/plain", strings.NewReader(strings.Repeat("x", n)))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}
	if got := post(true, 5_000); got != 200 {
		t.Errorf("5 KB: %d", got)
	}
	if got := post(false, 200_000); got != 413 {
		t.Errorf("200 KB: %d", got)
	}
	await(t, seen, Overflowed)
}

func TestCloseEndsEverything(t *testing.T) {
	observe, seen := events()
	o := start(t, Config{Fault: "never-answers", Observe: observe})
	done := make(chan error, 1)
	go func() { _, _, err := get(client(o, nil), "https://"+o.Addr()+"/"); done <- err }()
	await(t, seen, Requested)
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the client got an answer")
	}
}
