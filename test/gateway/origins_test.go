package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/peer"
)

// originCase is one origin behind a gateway and what a GET through it must give.
type originCase struct {
	name   string // of the site, without .o.test
	url    string
	tls    string // YAML of origin.tls, without braces
	status int
	reason reason.Code // "" when the origin answers
	more   string      // further keys of origin, flow style, with a comma before each
}

// checkOrigins runs the cases behind one gateway, all at once, and leaves each record in the access log.
func checkOrigins(t *testing.T, p pki, cases []originCase) *gateway {
	t.Helper()
	var yaml strings.Builder
	for _, c := range cases {
		yaml.WriteString(p.site(c.name+".o.test", fmt.Sprintf(`
    origin: {urls: [%q], host: origin.test, retries: 0, tls: {%s}, timeouts: %s%s}
    waf: {mode: "off"}
`, c.url, c.tls, soon(c.reason), c.more)))
	}
	g := start(t, listens+"sites:\n"+yaml.String())
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				path := "/?" + c.name
				a := get(t, g.client(t, false), "https://"+c.name+".o.test/"+c.name)
				if c.reason == "" {
					if a.status != c.status {
						t.Errorf("%s: %d %s, want %d", path, a.status, a.header.Get("Proxy-Status"), c.status)
					}
					return
				}
				refused(t, g, "/"+c.name, c.status, a.header, a.body, a.status, string(c.reason))
			})
		}
	})
	return g
}

// TestIIS holds the gateway against the lab's IIS: client certificates on Accept, on Require, and without RFC 5746.
func TestIIS(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.o.test")
	ca, err := certs.NewCA("gateway test", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	iis := func(auth tlspeer.ClientAuth, insecure bool) string {
		o, err := lab.Start(context.Background(), lab.Config{CA: ca, Names: []string{"origin.test"},
			TLS: tlspeer.Config{NoSecureRenegotiation: insecure}, Renegotiate: lab.Renegotiation{Path: "/", Auth: auth}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = o.Close() })
		return "https://" + o.Addr()
	}
	cert := p.Issue(peer.Issue{CommonName: "gateway", Client: true})
	accept, require, insecure := iis(tlspeer.Accept, false), iis(tlspeer.Require, false), iis(tlspeer.Accept, true)
	trust := "ca: " + roots
	checkOrigins(t, p, []originCase{
		{name: "accept", url: accept, tls: trust, status: 200},
		{name: "accept-never", url: accept, tls: trust + ", renegotiation: never", status: 502, reason: reason.TLSRenegotiationRefused},
		{name: "accept-once", url: accept, tls: trust + ", renegotiation: once", status: 200},
		{name: "accept-freely", url: accept, tls: trust + ", renegotiation: freely", status: 200},
		{name: "require", url: require, tls: trust, status: 403},
		{name: "require-given", url: require, tls: trust + fmt.Sprintf(", client_certificate: {file: %s, key: %s}", cert.File, cert.Key), status: 200},
		{name: "insecure", url: insecure, tls: trust, status: 502, reason: reason.TLSRenegotiationRefused},
		{name: "insecure-allowed", url: insecure, tls: trust + ", insecure_renegotiation: true", status: 200},
	})
}

// TestOldServers reaches servers that speak TLS 1.0 with RSA key exchange, CBC and 3DES, by profile legacy alone.
func TestOldServers(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.o.test")
	cert := p.Issue(peer.Issue{Names: []string{"origin.test"}, RSA: 2048})
	openssl := func(args ...string) string {
		return "https://" + peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Args: args}).Addr
	}
	gnutls := func(priority string) string {
		return "https://" + peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: cert, Priority: priority}).Addr
	}
	// GnuTLS looks for a suite before it speaks of versions: "No supported cipher suites have been found", alert 40.
	servers := []struct {
		name, url string
		modern    reason.Code
	}{
		{"openssl-tls10", openssl("-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"), reason.TLSNoCommonVersion},
		{"openssl-rsa-cbc", openssl("-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"), reason.TLSNoCommonCipher},
		{"gnutls-tls10-3des", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:-CIPHER-ALL:+3DES-CBC:%VERIFY_ALLOW_SIGN_WITH_SHA1"), reason.TLSNoCommonCipher},
		{"gnutls-tls10-cbc", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:-CIPHER-ALL:+AES-128-CBC"), reason.TLSNoCommonCipher},
		{"gnutls-rsa-cbc", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:-CIPHER-ALL:+AES-128-CBC"), reason.TLSNoCommonCipher},
	}
	var cases []originCase
	for _, s := range servers {
		cases = append(cases,
			originCase{name: s.name + "-legacy", url: s.url, tls: "ca: " + p.File + ", profile: legacy", status: 200},
			originCase{name: s.name + "-modern", url: s.url, tls: "ca: " + p.File, status: 502, reason: s.modern})
	}
	checkOrigins(t, p, cases)
}

// TestCertificates meets nginx origins whose certificates do not verify, each in its own way.
func TestCertificates(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.o.test")
	good := []string{"origin.test"}
	stranger := peer.NewCA(t)
	kinds := []struct {
		name string
		cert *peer.Cert
		code reason.Code
	}{
		{"good", p.Issue(peer.Issue{Names: good}), ""},
		{"intermediate", p.Issue(peer.Issue{Names: good, Intermediate: true}), ""},
		{"wrong-name", p.Issue(peer.Issue{Names: []string{"other.test"}}), reason.CertNameMismatch},
		{"no-san", p.Issue(peer.Issue{Names: good, NoSAN: true}), reason.CertNoSAN},
		{"expired", p.Issue(peer.Issue{Names: good, Expired: true}), reason.CertExpired},
		{"not-yet-valid", p.Issue(peer.Issue{Names: good, NotYet: true}), reason.CertNotYetValid},
		{"self-signed", p.Issue(peer.Issue{Names: good, SelfSigned: true}), reason.CertSelfSigned},
		{"missing-intermediate", p.Issue(peer.Issue{Names: good, Intermediate: true, OmitChain: true, AIA: "http://127.0.0.1:9/issuer.crt"}), reason.CertChainGap},
		{"missing-intermediate-unsaid", p.Issue(peer.Issue{Names: good, Intermediate: true, OmitChain: true}), reason.CertUnknownCA},
		{"unknown-ca", stranger.Issue(peer.Issue{Names: good}), reason.CertUnknownCA},
		{"bad-usage", p.Issue(peer.Issue{Names: good, Client: true}), reason.CertBadUsage},
	}
	var conf strings.Builder
	for i, k := range kinds {
		fmt.Fprintf(&conf, "server { listen {{addr %d}} ssl; ssl_certificate %s; ssl_certificate_key %s; location / { return 200 ok; } }\n", i, k.cert.File, k.cert.Key)
	}
	s := peer.Nginx(t, peer.NginxConfig{HTTP: conf.String(), Listeners: len(kinds)})
	var cases []originCase
	for i, k := range kinds {
		c := originCase{name: k.name, url: "https://" + s.Addrs[i], tls: "ca: " + p.File, status: 200}
		if k.code != "" {
			c.status, c.reason = reason.Lookup(k.code).Status, k.code
			cases = append(cases, originCase{name: k.name + "-unverified", url: c.url, tls: "verify: none", status: 200})
		}
		cases = append(cases, c)
	}
	cases = append(cases, originCase{name: "wrong-name-chain", url: "https://" + s.Addrs[2], tls: "verify: chain, ca: " + p.File, status: 200})
	checkOrigins(t, p, cases)
}

// TestTransport meets everything that can go wrong between two ends of a wire, with nginx where a real one does it.
func TestTransport(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.o.test")
	cert := p.Issue(peer.Issue{Names: []string{"origin.test"}})
	s := peer.Nginx(t, peer.NginxConfig{Listeners: 3, HTTP: fmt.Sprintf(`
server { listen {{addr 0}} ssl; ssl_certificate %[1]s; ssl_certificate_key %[2]s; location / { return 200 ok; } }
server { listen {{addr 1}}; location / { return 200 ok; } }
server { listen {{addr 2}} ssl; ssl_certificate %[1]s; ssl_certificate_key %[2]s; location / { return 444; } }
`, cert.File, cert.Key)})
	secure, plain, closing := s.Addrs[0], s.Addrs[1], s.Addrs[2]
	trust := "ca: " + p.File
	const half = "HTTP/1.1 200 OK\r\nContent-Len"
	fault := func(name string) string {
		o, err := lab.Start(context.Background(), lab.Config{Fault: name, Plain: true, Delay: 10 * patience})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = o.Close() })
		return "http://" + o.Addr()
	}
	checkOrigins(t, p, []originCase{
		{name: "https", url: "https://" + secure, tls: trust, status: 200},
		{name: "http", url: "http://" + plain, status: 200},
		{name: "closed-port", url: "http://" + closedPort(t), status: 502, reason: reason.TCPRefused},
		{name: "full-backlog", url: "http://" + deafPort(t), status: 504, reason: reason.TCPTimeout, more: ", health: {passive: {failures: 0}}"},
		{name: "plain-on-tls", url: "https://" + plain, tls: trust, status: 502, reason: reason.TLSNotTLS},
		{name: "tls-on-plain", url: "http://" + secure, status: 400}, // nginx itself says so, over plain HTTP
		{name: "tls-only-on-plain", url: "http://" + tlsAlways(t), status: 502, reason: reason.TLSWrongPort},
		{name: "accept-then-close", url: "http://" + dummy(t, hangsUp), status: 502, reason: reason.ReadEOFBeforeHeader},
		{name: "accept-then-close-tls", url: "https://" + dummy(t, hangsUp), tls: trust, status: 502, reason: reason.TLSEOF},
		{name: "close-after-request", url: "https://" + closing, tls: trust, status: 502, reason: reason.ReadEOFBeforeHeader},
		{name: "half-head", url: "http://" + dummy(t, says(half, false)), status: 502, reason: reason.ReadEOFInHeader},
		{name: "half-head-stall", url: fault("half-head-stall"), status: 504, reason: reason.ReadHeaderStall},
		{name: "slow-first-byte", url: fault("slow-first-byte"), status: 504, reason: reason.ReadFirstByteTimeout},
		{name: "reset", url: "http://" + dummy(t, says("", true)), status: 502, reason: reason.ReadResetBeforeHeader},
	})
	for _, c := range []struct {
		fault string
		code  reason.Code
	}{{"half-body", reason.ReadTruncated}, {"half-body-stall", reason.ReadBodyStall}, {"half-body-reset", reason.ReadResetInBody}} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			g := start(t, listens+"sites:\n"+p.site("half.o.test", fmt.Sprintf(`
    origin: {urls: [%q], retries: 0, timeouts: %s}
    waf: {mode: "off"}
`, fault(c.fault), soon(c.code))))
			for _, version := range []string{"--http1.1", "--http2"} {
				r := g.curl("half.o.test", "/"+version, version)
				if r.Status != 200 || len(r.Body) != 50 || r.Exit == 0 {
					t.Errorf("%s: %d, %d bytes, exit %d: a broken body must not look whole", version, r.Status, len(r.Body), r.Exit)
				}
				if rec := g.log.path(t, "/"+version); rec.Reason != string(c.code) || !rec.Aborted {
					t.Errorf("%s: logged %s aborted=%v, want %s", version, rec.Reason, rec.Aborted, c.code)
				}
			}
		})
	}
}

// dummy is an origin that hands every connection to serve and closes it after.
func dummy(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection, whose other end the gateway closes
				defer c.Close()
				serve(c)
			}()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

// hangsUp ends its side at once; closing with unread bytes would be a reset.
func hangsUp(c net.Conn) {
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

// says reads one request head, answers with text and closes, or resets.
func says(text string, reset bool) func(net.Conn) {
	return func(c net.Conn) {
		var got []byte
		buf := make([]byte, 4096)
		for !strings.Contains(string(got), "\r\n\r\n") {
			n, err := c.Read(buf)
			if got = append(got, buf[:n]...); err != nil {
				return
			}
		}
		_, _ = c.Write([]byte(text))
		if reset {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
	}
}

// tlsAlways answers whatever comes with a TLS alert, as most TLS servers do when they get plain HTTP.
func tlsAlways(t testing.TB) string {
	t.Helper()
	return dummy(t, says("\x15\x03\x01\x00\x02\x02\x0a", false))
}

// closedPort is an address where nobody listens: held by a connected socket, so that nobody else gets it meanwhile.
func closedPort(t testing.TB) string {
	t.Helper()
	hold := dummy(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
	c, err := net.Dial("tcp", hold)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}

// deafPort is an address where the kernel drops what arrives: its listener accepts nobody and its backlog is full.
func deafPort(t testing.TB) string {
	t.Helper()
	addr, fill := deafListener(t)
	for range fill {
		c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the backlog does not fill")
	return ""
}
