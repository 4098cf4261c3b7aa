package origin

import (
	"bytes"
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/peer"
)

// rewindBody is a body that can be sent twice, as the policy stage holds them.
type rewindBody struct{ *bytes.Reader }

func (rewindBody) Trailer() exchange.Header { return nil }
func (rewindBody) Close() error             { return nil }
func (b rewindBody) Rewind() bool           { _, err := b.Seek(0, io.SeekStart); return err == nil }

func request(host, method, path string, size int) *exchange.Exchange {
	x := newExchange(method, path, strings.Repeat("x", size))
	x.Request.Authority = host
	return x
}

type apache struct {
	*peer.Server
	ca     *peer.CA
	client *peer.Cert
}

func startApache(t *testing.T, maxTLS string, http2 bool) apache {
	ca := peer.NewCA(t)
	locations := []peer.ApacheLocation{
		{Path: "/optional", VerifyClient: "optional"},
		{Path: "/optional/echo", Extra: "SetHandler reflector"},
		{Path: "/require", VerifyClient: "require"},
	}
	cert := func(name string) *peer.Cert { return ca.Issue(peer.Issue{Names: []string{name}, RSA: 2048}) }
	s := peer.Apache(t, peer.ApacheConfig{MaxTLS: maxTLS, HTTP2: http2, ClientCA: ca.File, Sites: []peer.ApacheSite{
		{Name: "a.test", Cert: cert("a.test"), Locations: locations}, {Name: "b.test", Cert: cert("b.test")},
	}})
	for _, dir := range []string{"optional", "require"} {
		if err := os.MkdirAll(filepath.Join(s.Root, "a.test", dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.Root, "a.test", dir, "page.html"), []byte(dir), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return apache{s, ca, ca.Issue(peer.Issue{CommonName: "lunette", Client: true})}
}

func (a apache) origin(t *testing.T, change func(*Config)) *Origin {
	cfg := Config{URLs: []string{"https://" + a.Addr}, TLS: TLS{Roots: a.ca.Pool()}}
	if change != nil {
		change(&cfg)
	}
	return newOrigin(t, cfg)
}

func wantCode(t *testing.T, x *exchange.Exchange, err error, want reason.Code) {
	t.Helper()
	r := reason.Of(err)
	if r == nil || r.Code != want {
		t.Fatalf("got %v, want %s; attempts %+v", err, want, x.Attempts)
	}
}

func TestApacheRenegotiates(t *testing.T) {
	a := startApache(t, "1.2", false)
	withCert := func(c *Config) { c.TLS.Certificate = &a.client.TLS }
	never := func(c *Config) { c.TLS.Renegotiation = "never" }
	for _, c := range []struct {
		name, host, method, path string
		size                     int
		change                   func(*Config)
		status                   int
		code                     reason.Code
		renegotiations           int
	}{
		{"plain", "a.test", "GET", "/index.html", 0, nil, 200, "", 0},
		{"other site", "b.test", "GET", "/index.html", 0, nil, 200, "", 0},
		{"optional", "a.test", "GET", "/optional/page.html", 0, nil, 200, "", 1},
		{"require, none", "a.test", "GET", "/require/page.html", 0, nil, 0, reason.TLSClientCertRequired, 1},
		{"require, given", "a.test", "GET", "/require/page.html", 0, withCert, 200, "", 1},
		{"100 KB into optional", "a.test", "POST", "/optional/echo", 100 << 10, nil, 200, "", 1},
		{"300 KB into optional", "a.test", "POST", "/optional/echo", 300 << 10, nil, 200, "", 1},
		{"never", "a.test", "GET", "/optional/page.html", 0, never, 0, reason.TLSRenegotiationRefused, 1},
		{"never, 300 KB", "a.test", "POST", "/optional/echo", 300 << 10, never, 413, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := a.origin(t, c.change)
			x := request(c.host, c.method, c.path, c.size)
			status, content, err := fetch(t, o, x)
			if c.code != "" {
				wantCode(t, x, err, c.code)
			} else if err != nil || status != c.status {
				t.Fatalf("got %d %v", status, err)
			}
			if status == 200 && c.size > 0 && len(content) != c.size {
				t.Errorf("reflected %d of %d bytes", len(content), c.size)
			}
			last := x.Attempts[len(x.Attempts)-1]
			if last.Renegotiations != c.renegotiations {
				t.Errorf("recorded %d renegotiations, want %d", last.Renegotiations, c.renegotiations)
			}
			if seen := countFacts(last.Facts, fact.TLSHelloRequest); seen != c.renegotiations {
				t.Errorf("%d facts of a HelloRequest, want %d", seen, c.renegotiations)
			}
		})
	}
}

func countFacts(facts []fact.Fact, kind fact.Kind) int {
	n := 0
	for _, f := range facts {
		if f.Kind == kind {
			n++
		}
	}
	return n
}

func TestApacheTwentyInARow(t *testing.T) {
	a := startApache(t, "1.2", false)
	o := a.origin(t, nil)
	var conn uint64
	for i := range 20 {
		x := request("a.test", "GET", "/optional/page.html", 0)
		if status, _, err := fetch(t, o, x); status != 200 || err != nil {
			t.Fatalf("request %d: %d %v", i, status, err)
		}
		if i == 0 {
			conn = x.Attempts[0].ConnID
		}
		if x.Attempts[0].ConnID != conn || len(x.Attempts) != 1 {
			t.Errorf("request %d left the connection", i)
		}
	}
}

func TestApacheHTTP2FallsBack(t *testing.T) {
	a := startApache(t, "1.2", true)
	o := a.origin(t, nil)
	x := request("a.test", "GET", "/index.html", 0)
	if status, _, err := fetch(t, o, x); status != 200 || err != nil || x.Attempts[0].ALPN != "h2" {
		t.Fatalf("got %d %v over %q", status, err, x.Attempts[0].ALPN)
	}
	x = request("a.test", "GET", "/optional/page.html", 0) // HTTP_1_1_REQUIRED
	status, _, err := fetch(t, o, x)
	if status != 200 || err != nil || len(x.Attempts) != 2 || x.Attempts[1].Proto != exchange.HTTP11 {
		t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
	}
	x = request("a.test", "POST", "/optional/echo", 300<<10)
	x.Request.Body = rewindBody{bytes.NewReader(make([]byte, 300<<10))}
	if status, _, err := fetch(t, o, x); status != 200 || err != nil {
		t.Fatalf("post: got %d %v, attempts %+v", status, err, x.Attempts)
	}
}

// TestOldServers meets TLS 1.0 with RSA key exchange: profile legacy speaks it, modern says why not.
func TestOldServers(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"old.test"}, RSA: 2048})
	openssl := func(args ...string) func(*testing.T) string {
		return func(t *testing.T) string {
			return peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Args: args}).Addr
		}
	}
	gnutls := func(priority string) func(*testing.T) string {
		return func(t *testing.T) string {
			return peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: cert, Priority: priority}).Addr
		}
	}
	const g10 = "NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:-CIPHER-ALL:"
	for _, c := range []struct {
		name   string
		start  func(*testing.T) string
		modern reason.Code
	}{
		{"openssl tls 1.0 rsa cbc", openssl("-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"), reason.TLSNoCommonVersion},
		{"openssl tls 1.2 rsa cbc", openssl("-tls1_2", "-cipher", "AES128-SHA"), reason.TLSNoCommonCipher},
		{"gnutls tls 1.0 rsa cbc", gnutls(g10 + "+AES-128-CBC"), reason.TLSNoCommonCipher},
		{"gnutls tls 1.0 rsa 3des", gnutls(g10 + "+3DES-CBC"), reason.TLSNoCommonCipher},
		{"gnutls tls 1.2 rsa", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA"), reason.TLSNoCommonCipher},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := c.start(t)
			get := func(profile string) (*exchange.Exchange, int, error) {
				o := newOrigin(t, Config{URLs: []string{"https://" + addr}, TLS: TLS{Roots: ca.Pool(), Profile: profile}})
				x := request("old.test", "GET", "/", 0)
				status, _, err := fetch(t, o, x)
				return x, status, err
			}
			if x, status, err := get("legacy"); status != 200 || err != nil {
				t.Errorf("legacy: %d %v, attempts %+v", status, err, x.Attempts)
			}
			x, _, err := get("modern")
			wantCode(t, x, err, c.modern)
		})
	}
}

func TestWhatGoCannotSpeak(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"old.test"}, RSA: 2048})
	for _, c := range []struct {
		name string
		args []string
		want reason.Code
	}{
		{"dhe only", []string{"-tls1_2", "-cipher", "DHE-RSA-AES128-SHA"}, reason.TLSNoCommonCipher},
		{"ccm only", []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-CCM:AES128-CCM:DHE-RSA-AES128-CCM"}, reason.TLSNoCommonCipher},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Args: c.args})
			o := newOrigin(t, Config{URLs: []string{"https://" + s.Addr}, TLS: TLS{Roots: ca.Pool(), Profile: "legacy"}})
			x := request("old.test", "GET", "/", 0)
			_, _, err := fetch(t, o, x)
			wantCode(t, x, err, c.want)
		})
	}
}

func TestHandshakeTimeCertificates(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"m.test"}, RSA: 2048})
	client := ca.Issue(peer.Issue{CommonName: "lunette", Client: true})
	stranger := peer.NewCA(t).Issue(peer.Issue{CommonName: "stranger", Client: true})
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		for _, c := range []struct {
			name string
			cert *tls.Certificate
			want reason.Code
		}{
			{"none", nil, reason.TLSClientCertRequired},
			{"given", &client.TLS, ""},
			{"of a stranger", &stranger.TLS, reason.TLSClientCertRejected},
		} {
			t.Run(version+" "+c.name, func(t *testing.T) {
				s := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Args: []string{version, "-Verify", "1", "-verify_return_error", "-CAfile", ca.File}})
				o := newOrigin(t, Config{URLs: []string{"https://" + s.Addr}, TLS: TLS{Roots: ca.Pool(), Certificate: c.cert}})
				x := request("m.test", "GET", "/", 0)
				status, _, err := fetch(t, o, x)
				if c.want != "" {
					wantCode(t, x, err, c.want)
				} else if status != 200 || err != nil {
					t.Fatalf("got %d %v", status, err)
				}
				if last := x.Attempts[len(x.Attempts)-1]; !last.CertRequested || last.CertSent != (c.cert != nil) {
					t.Errorf("certificate requested %v, sent %v", last.CertRequested, last.CertSent)
				}
			})
		}
	}
}

func TestCertificateReasons(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	for _, c := range []struct {
		name  string
		by    *peer.CA
		issue peer.Issue
		want  reason.Code
	}{
		{"good", ca, peer.Issue{}, ""},
		{"good, by an intermediate", ca, peer.Issue{Intermediate: true}, ""},
		{"wrong name", ca, peer.Issue{Names: []string{"elsewhere.test"}}, reason.CertNameMismatch},
		{"no subjectAltName", ca, peer.Issue{NoSAN: true}, reason.CertNoSAN},
		{"expired", ca, peer.Issue{Expired: true}, reason.CertExpired},
		{"not yet valid", ca, peer.Issue{NotYet: true}, reason.CertNotYetValid},
		{"self-signed", ca, peer.Issue{SelfSigned: true}, reason.CertSelfSigned},
		{"missing intermediate", ca, peer.Issue{Intermediate: true, OmitChain: true, AIA: "http://ca.test/i.cer"}, reason.CertChainGap},
		{"unknown ca", other, peer.Issue{}, reason.CertUnknownCA},
		{"client usage", ca, peer.Issue{Client: true}, reason.CertBadUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.issue.Names == nil {
				c.issue.Names = []string{"c.test"}
			}
			cert := c.by.Issue(c.issue)
			s := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; ssl_certificate " + cert.File + "; ssl_certificate_key " + cert.Key + "; root {{root}}; }"})
			o := newOrigin(t, Config{URLs: []string{"https://" + s.Addr}, TLS: TLS{Roots: ca.Pool()}})
			x := request("c.test", "GET", "/", 0)
			status, _, err := fetch(t, o, x)
			if c.want != "" {
				wantCode(t, x, err, c.want)
			} else if status != 200 || err != nil {
				t.Fatalf("got %d %v", status, err)
			}
			if x.Attempts[0].Peer == nil {
				t.Error("the record has no certificate")
			}
		})
	}
}
