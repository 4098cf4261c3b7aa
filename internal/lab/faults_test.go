package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// outcomes is what net/http makes of each fault when it asks in the way that the fault states.
func outcomes() map[string]string {
	m := map[string]string{
		"dns-nxdomain": "no name", "dns-no-address": "no name", "dns-servfail": "no name", "dns-refused": "no name", "dns-silent": "timeout",
		"dns-stale": "refused", "dns-flapping": "refused", "dns-one-dead": "OK", "dns-ipv6-broken": "OK", "cert-differs-between-nodes": "OK",
		"refused": "refused", "accept-queue-full": "timeout",
		"accept-then-close": "eof", "accept-then-reset": "reset", "tls-silence": "timeout", "close-after-client-hello": "eof",
		"reset-after-client-hello": "reset", "half-server-hello": "truncated", "plain-http": "refused answer", "ssh-banner": "not tls",
		"large-hello-dropped": "timeout", "large-hello-reset": "reset", "version-intolerant": "reset", "sni-reset": "reset",
		"sni-default-certificate": "name", "sni-warning": "OK", "alpn-unasked": "refused answer", "alpn-none": "alert",
		"sni-missing-reset": "reset", "sni-missing-alert": "alert", "sni-missing-default": "name",
		"tls10-only": "refused answer", "rsa-kex-only": "alert", "3des-only": "alert", "no-common-group": "alert", "weak-dh": "alert",
		"no-secure-renegotiation": "OK", "client-cert-required": "alert", "issuer-list-too-long": "alert",
		"tls-stall-certificate": "timeout", "tls-stall-key-exchange": "timeout", "tls-stall-hello-done": "timeout", "tls-stall-finished": "timeout",
		"revocation-stall": "timeout", "client-cert-rejected": "alert",
		"post-handshake-auth": "Forbidden", "post-handshake-auth-unoffered": "refused answer", "client-cert-required-13": "alert",
		"key-update": "OK", "key-update-stall": "timeout", "hello-retry": "OK", "tls13-stall": "timeout", "tls-inspected": "unknown ca",
		"cert-weak-key": "OK", "cert-sha1": "unknown ca", "cert-ca-as-leaf": "OK", "cert-name-constraints": "invalid certificate",
		"cert-ecdsa-only": "alert", "cert-wrong-order": "OK",
		"cert-expired": "invalid certificate", "cert-not-yet-valid": "invalid certificate", "cert-wrong-name": "name", "cert-no-san": "name",
		"cert-bad-usage": "invalid certificate", "cert-self-signed": "unknown ca", "cert-unknown-ca": "unknown ca", "cert-chain-gap": "unknown ca", "cert-chain-gap-unsaid": "unknown ca",
		"plain-on-tls-port": "Bad Request", "plain-on-tls-port-reset": "reset", "plain-on-tls-port-alert": "refused answer",
		"renegotiate-ignore": "OK", "renegotiate-accept": "OK", "hello-request-ignored": "timeout", "hello-request-refused": "refused answer",
		"renegotiate-require": "Forbidden", "renegotiate-require-alert": "alert", "renegotiate-every": "OK", "renegotiate-insecure": "OK",
		"renegotiate-interfere": "refused answer", "renegotiate-body-stall": "timeout", "renegotiate-body-413": "refused answer",
		"resumption-refused": "alert", "resumption-forgotten": "OK", "ticket-lost": "OK", "record-corrupted": "refused answer",
		"close-after-request": "eof", "close-notify-after-request": "eof", "reset-after-request": "reset",
		"alert-after-request": "alert", "misdirected": "Misdirected Request",
		"slow-first-byte": "timeout", "never-answers": "timeout", "half-head": "refused answer", "half-head-stall": "timeout",
		"half-body": "truncated", "half-body-stall": "timeout", "half-body-reset": "reset", "chunked-truncated": "truncated",
		"until-close": "OK", "dies-on-reuse": "OK", "early-answer": "Request Entity Too Large", "stops-reading": "timeout", "gzip-garbage": "truncated",
		"early-reset": "Unauthorized", "body-too-large": "Request Entity Too Large", "body-too-large-iis": "Not Found",
		"continue-never": "OK", "continue-refused": "Expectation Failed", "closes-on-reuse": "OK", "short-keep-alive": "OK", "no-keep-alive": "OK",
		"request-header-too-large": "Bad Request", "request-header-too-large-431": "Request Header Fields Too Large", "request-refused": "Bad Request",
		"upgrade-refused": "OK", "upgrade-required": "Upgrade Required", "slow-drip": "OK", "gzip-twice": "OK",
		"ntlm": "Unauthorized", "redirect-loop": "refused answer", "rate-limited": "Too Many Requests", "banned": "Forbidden",
		"unavailable": "Service Unavailable", "host-unknown": "Bad Request",
		"body-beyond-length": "OK", "storm-1xx": "OK", "one-103": "OK",
		"switching-unasked": "Switching Protocols", "cl-and-te": "OK", "two-lengths": "refused answer", "bad-length": "refused answer",
		"bad-chunk": "refused answer", "bad-te": "refused answer", "bad-status-line": "refused answer", "garbage": "refused answer",
		"space-before-colon": "OK", "header-injection": "refused answer", "bare-lf": "OK", "header-too-big": "OK",
		"h2-goaway-race": "OK", "h2-upload-stall": "timeout", "h2-inadequate-security": "refused answer", "h2-goaway-calm": "refused answer",
		"h2-http11-required": "refused answer", "h2-refused-stream": "timeout", "h2-stream-reset": "refused answer", "h2-half-body": "refused answer",
		"h2-half-body-stall": "timeout", "h2-renegotiate": "OK",
	}
	for _, f := range alertFaults() {
		m[f.Name] = "alert"
	}
	return m
}

// Every fault is tried with net/http: what a careful but general client makes of it.
func TestFaults(t *testing.T) {
	want := outcomes()
	pki := files(t)
	cert, err := pki.authority.Issue(certs.Options{Names: []string{"waf"}, Key: certs.RSA, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			if f.Does == "" {
				t.Error("the list does not say what it does")
			}
			o, err := Start(t.Context(), Config{Fault: f.Name, Delay: time.Minute, CA: pki.authority, TLS: tlspeer.Config{Certificate: pki.rsaOwn}})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			c := client(o, func(cfg *tls.Config) {
				if f.Ask == Certify {
					cfg.Certificates = []tls.Certificate{cert.TLS()}
				}
			})
			if want[f.Name] == "timeout" {
				c.Timeout = 500 * time.Millisecond
			}
			if f.Name == "dns-silent" {
				c.Timeout = 500 * time.Millisecond
			}
			c.Transport.(*http.Transport).ForceAttemptHTTP2 = strings.HasPrefix(f.Name, "h2-")
			status, err := ask1(t, c, o, f.Ask)
			if got := outcome(status, err); got != want[f.Name] {
				t.Errorf("got %q (%d, %v), want %q", got, status, err, want[f.Name])
			}
		})
	}
	if n := len(Faults()); n != len(want) {
		t.Errorf("%d faults, %d expectations", n, len(want))
	}
}

// ask1 asks o in the way that brings a fault out and returns the last answer.
func ask1(t *testing.T, c *http.Client, o *Origin, how Ask) (int, error) {
	t.Helper()
	url := "https://" + o.Addr() + "/"
	tr := c.Transport.(*http.Transport)
	get := func() (int, error) { status, _, err := get(c, url); return status, err }
	switch how {
	case Twice, Again:
		if how == Again {
			tr.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		}
		if status, err := get(); err != nil || status != 200 {
			t.Errorf("first request: %d, %v", status, err)
		}
		if how == Again {
			tr.CloseIdleConnections()
		}
	case Upload, Expect:
		return put(t, c, url, how == Expect)
	case Resolve:
		url = "https://" + DefaultName + ":" + port(t, o.Addr())
		tr.DialContext = (&net.Dialer{Resolver: at(o.Resolver())}).DialContext
	case Plain:
		url = "http://" + o.Addr() + "/"
	case NoName:
		tr.TLSClientConfig.ServerName = "127.0.0.1" // an address is never sent as SNI
	case Refuses:
		tr.TLSClientConfig.Renegotiation = tls.RenegotiateNever
	case Drops:
		return dropping(o)
	case Upgrade:
		return with(c, url, "Connection", "Upgrade", "Upgrade", "websocket")
	case Login:
		return login(t, c, url)
	}
	return get()
}

func put(t *testing.T, c *http.Client, url string, expect bool) (int, error) {
	t.Helper()
	r, err := http.NewRequest("PUT", url, strings.NewReader(strings.Repeat("x", 16<<20)))
	if err != nil {
		t.Fatal(err)
	}
	if expect {
		c.Transport.(*http.Transport).ExpectContinueTimeout = 200 * time.Millisecond
		r.Header.Set("Expect", "100-continue")
	}
	return done(c.Do(r))
}

func with(c *http.Client, url string, header ...string) (int, error) {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return done(c.Do(r))
}

func done(r *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, err
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// at looks names up at one server alone.
func at(server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}
}

// dropping asks as a client does that ignores HelloRequest.
func dropping(o *Origin) (int, error) {
	nc, err := net.Dial("tcp", o.Addr())
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(500 * time.Millisecond))
	c := tlspeer.Client(nc, tlspeer.Config{ServerName: DefaultName, OnHelloRequest: tlspeer.Drop})
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+DefaultName+"\r\n\r\n"); err != nil {
		return 0, err
	}
	return done(http.ReadResponse(bufio.NewReader(c), nil))
}

// token is an NTLM message of a type, without meaning.
func token(kind byte) string {
	return "NTLM " + base64.StdEncoding.EncodeToString(append([]byte(ntlmSignature), kind, 0, 0, 0))
}

// login does NTLM over one connection, which works, and returns what comes of it over two.
func login(t *testing.T, c *http.Client, url string) (int, error) {
	t.Helper()
	steps := func(between func()) (int, error) {
		if status, err := with(c, url, "Authorization", token(1)); err != nil || status != 401 {
			t.Errorf("type 1: %d, %v", status, err)
		}
		between()
		return with(c, url, "Authorization", token(3))
	}
	if status, err := steps(func() {}); err != nil || status != 200 {
		t.Errorf("over one connection: %d, %v", status, err)
	}
	c.Transport.(*http.Transport).CloseIdleConnections()
	return steps(c.Transport.(*http.Transport).CloseIdleConnections)
}

// The answers of a resolver that is stale or flaps change with the questions.
func TestNamesChange(t *testing.T) {
	for fault, want := range map[string]string{
		"dns-stale": "127.0.0.2 127.0.0.1 127.0.0.1", "dns-flapping": "127.0.0.2 127.0.0.1 127.0.0.2",
		"cert-differs-between-nodes": "127.0.0.1,127.0.0.2 127.0.0.1,127.0.0.2 127.0.0.1,127.0.0.2",
	} {
		o := start(t, Config{Fault: fault})
		var got []string
		for range 3 {
			ips, err := at(o.Resolver()).LookupHost(t.Context(), DefaultName+".")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Join(ips, ","))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", fault, got, want)
		}
	}
}

func TestSecondNodeShowsAnotherCertificate(t *testing.T) {
	o := start(t, Config{Fault: "cert-differs-between-nodes"})
	c, err := tls.Dial("tcp", "127.0.0.2:"+port(t, o.Addr()), &tls.Config{ServerName: DefaultName, RootCAs: o.Authority().Pool()})
	if err == nil {
		c.Close()
	}
	if got := outcome(0, err); got != "invalid certificate" {
		t.Errorf("got %q (%v)", got, err)
	}
}

// What the faults that decide by the ClientHello let pass.
func TestOtherHellosPass(t *testing.T) {
	for fault, change := range map[string]func(*tls.Config){
		"large-hello-dropped": func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
		"large-hello-reset":   func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
		"version-intolerant":  func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"sni-reset":           func(c *tls.Config) { c.ServerName = "localhost" },
		"rsa-kex-only":        func(c *tls.Config) { c.CipherSuites = []uint16{0x009c} },
		"no-common-group":     func(c *tls.Config) { c.CipherSuites = []uint16{0x009c} },
		"sni-missing-reset":   func(*tls.Config) {},
		"sni-missing-alert":   func(*tls.Config) {},
		"sni-missing-default": func(*tls.Config) {},
	} {
		t.Run(fault, func(t *testing.T) {
			o := start(t, Config{Fault: fault})
			if status, _, err := get(client(o, change), "https://"+o.Addr()+"/"); err != nil || status != 200 {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
}

// A healthy origin speaks TLS 1.3 and HTTP/2 where it is told to.
func TestHealthyHTTP2(t *testing.T) {
	o := start(t, Config{TLS: tlspeer.Config{MaxVersion: tlswire.VersionTLS13, ALPN: []string{"h2"}}})
	c := client(o, nil)
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	for range 3 {
		r, err := c.Get("https://" + o.Addr() + "/two?x=1")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.ProtoMajor != 2 || !strings.Contains(string(b), "request: GET /two?x=1\n") {
			t.Errorf("HTTP/%d, %v\n%s", r.ProtoMajor, err, b)
		}
	}
	if status, err := put(t, c, "https://"+o.Addr()+"/", false); err != nil || status != 200 || o.Connections() != 1 {
		t.Errorf("upload: %d, %v, %d connections", status, err, o.Connections())
	}
}

func TestIssuerListIsLongerThanARecord(t *testing.T) {
	n := 0
	for _, name := range manyNames() {
		n += len(name) + 2
	}
	if n <= tlswire.MaxPlaintext || n > 1<<16-1 {
		t.Errorf("%d bytes of names", n)
	}
}
