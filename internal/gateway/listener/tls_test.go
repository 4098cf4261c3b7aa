package listener

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// tlsDial does a handshake and, as TLS 1.3 clients learn of a refusal only then, one request.
func (r *rig) tlsDial(cfg *tls.Config) (*tls.Conn, error) {
	c, err := tls.Dial("tcp", r.addr, cfg)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c, nil
}

func get(c net.Conn, host string) (string, error) {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	out, err := io.ReadAll(c)
	return string(out), err
}

func TestSiteTable(t *testing.T) {
	exact, wild, def := &SiteTLS{Name: "exact"}, &SiteTLS{Name: "wild"}, &SiteTLS{Name: "def"}
	table := &SiteTable{Names: map[string]*SiteTLS{"a.test": exact, "*.a.test": wild, "x.a.test": exact}, Default: def}
	for name, want := range map[string]*SiteTLS{"a.test": exact, "b.a.test": wild, "x.a.test": exact, "c.b.a.test": def, "": def, "*.a.test": wild} {
		if got := table.TLS(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got.Name, want.Name)
		}
	}
}

// The site of the handshake is told as such: later stages may read an odd name differently.
func TestHandshakeNamesItsSite(t *testing.T) {
	ca := newAuthority(t, "test CA")
	sites := &SiteTable{Names: map[string]*SiteTLS{"*.b.test": ca.site(t, "*.b.test")}, Default: ca.site(t, "a.test")}
	r := start(t, Config{TLS: true, Sites: sites}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		reply(x, 200, "site "+x.Client.TLS.Site)
	}))
	for name, want := range map[string]string{"x.b.test": "*.b.test", "odd!label.b.test": "*.b.test", "other.test": "a.test", "": "a.test"} {
		c, err := r.tlsDial(&tls.Config{InsecureSkipVerify: true, ServerName: name})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if out, err := get(c, "a.test"); err != nil || !strings.Contains(out, "site "+want) {
			t.Errorf("%q: %q, %v; want site %s", name, out, err, want)
		}
	}
}

func TestSNI(t *testing.T) {
	ca := newAuthority(t, "test CA")
	a, wild := ca.site(t, "a.test"), ca.site(t, "*.b.test")
	r := start(t, Config{TLS: true, Sites: &SiteTable{Names: map[string]*SiteTLS{"a.test": a, "*.b.test": wild}}}, echo)
	for _, name := range []string{"a.test", "A.test", "x.b.test"} {
		c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if out, err := get(c, name); err != nil || !strings.Contains(out, "200") {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	_, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "other.test"})
	n, remote, ok := alertOf(err)
	if !ok || !remote || n != 112 {
		t.Errorf("unknown name: %v, want alert 112 unrecognized_name", err)
	}
	if x := r.record(); x.Answer.Reason != reason.ConfigNoSite || x.Answer.Detail != "sni other.test, sent alert 112 unrecognized_name" || x.Client.TLS.ServerName != "other.test" {
		t.Errorf("record %+v", x.Answer)
	}
	r.SetSites(&SiteTable{Default: ca.site(t, "other.test")})
	if _, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "other.test"}); err != nil {
		t.Errorf("after the swap: %v", err)
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	ca := newAuthority(t, "test CA")
	r := start(t, Config{TLS: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}}, echo)
	if _, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "a.test", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Fatal("TLS 1.1 was accepted")
	}
	if x := r.record(); x.Answer.Reason != reason.ClientTLSFailed || x.Answer.Detail != "sent alert 70 protocol_version" {
		t.Errorf("reason %s (%s)", x.Answer.Reason, x.Answer.Detail)
	}
}

func TestClientAuth(t *testing.T) {
	ca, other := newAuthority(t, "test CA"), newAuthority(t, "other CA")
	good := ca.issue(t, nil, "client")
	bad := ca.issue(t, nil, "revoked")
	expired := ca.issue(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}, "expired")
	crl := writeCRL(t, ca, bad.Leaf.SerialNumber, time.Now().Add(time.Hour))
	list, err := LoadRevocationLists(false, crl)
	if err != nil {
		t.Fatal(err)
	}
	stale, err := LoadRevocationLists(false, writeCRL(t, ca, big.NewInt(99), time.Now().Add(-time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	tests := []clientAuthCase{
		{"none asked", ClientAuthNone, nil, nil, "", ""},
		{"request, none sent", ClientAuthRequest, nil, nil, "", ""},
		{"request, good", ClientAuthRequest, list, good, "", ""},
		{"request, foreign", ClientAuthRequest, nil, other.issue(t, nil, "x"), reason.ClientCertRejected, "unknown CA"},
		{"require, none sent", ClientAuthRequire, nil, nil, reason.ClientCertRequired, "none sent"},
		{"require, good", ClientAuthRequire, list, good, "", ""},
		{"require, expired", ClientAuthRequire, nil, expired, reason.ClientCertRejected, "expired"},
		{"require, revoked", ClientAuthRequire, list, bad, reason.ClientCertRejected, "revoked"},
		{"require, stale CRL", ClientAuthRequire, stale, good, reason.ClientCertRejected, "CRL expired"},
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tt := range tests {
			t.Run(tls.VersionName(version)+" "+tt.name, func(t *testing.T) {
				site := ca.site(t, "a.test")
				site.ClientAuth, site.ClientCAs, site.CRL = tt.mode, ca.pool, tt.crl
				seen := make(chan *exchange.ClientTLS, 1)
				r := start(t, Config{TLS: true, Sites: &SiteTable{Default: site}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
					seen <- x.Client.TLS
					reply(x, 200, "ok")
				}))
				cfg := &tls.Config{RootCAs: ca.pool, ServerName: "a.test", MaxVersion: version}
				cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if tt.cert == nil {
						return &tls.Certificate{}, nil
					}
					return tt.cert, nil
				}
				c, err := r.tlsDial(cfg)
				if err == nil {
					_, err = get(c, "a.test")
				}
				if tt.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					if info := <-seen; info.Verified != (tt.cert != nil) || info.Version != version {
						t.Errorf("client TLS %+v", info)
					}
					return
				}
				if err == nil {
					t.Fatal("the handshake passed")
				}
				if n, remote, ok := alertOf(err); !ok || !remote || n != tt.alert(version) {
					t.Errorf("the client got %v, want alert %d", err, tt.alert(version))
				}
				if x := r.record(); x.Answer.Reason != tt.code || x.Answer.Detail != tt.detail {
					t.Errorf("record %s (%s), want %s (%s)", x.Answer.Reason, x.Answer.Detail, tt.code, tt.detail)
				}
			})
		}
	}
}

type clientAuthCase struct {
	name   string
	mode   ClientAuth
	crl    *RevocationList
	cert   *tls.Certificate
	code   reason.Code // "" passes
	detail string
}

// alert is what the client gets to see.
func (c clientAuthCase) alert(version uint16) uint8 {
	switch {
	case c.code == reason.ClientCertRequired && version == tls.VersionTLS13:
		return tlswire.AlertCertificateRequired
	case c.code == reason.ClientCertRequired:
		return tlswire.AlertHandshakeFailure
	}
	return tlswire.AlertBadCertificate
}

func writeCRL(t *testing.T, ca *authority, serial *big.Int, next time.Time) string {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: next.Add(-time.Hour), NextUpdate: next,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: time.Now()}}}, ca.cert, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "crl.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestResumptionStaysWithItsSite(t *testing.T) {
	ca := newAuthority(t, "test CA")
	open, closed := ca.site(t, "a.test", "b.test"), ca.site(t, "b.test", "a.test")
	closed.ClientAuth, closed.ClientCAs = ClientAuthRequest, ca.pool
	r := start(t, Config{TLS: true, Sites: &SiteTable{Names: map[string]*SiteTLS{"a.test": open, "b.test": closed}}}, echo)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := &oneSession{}
		resumed := func(name string) bool {
			c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: name, ClientSessionCache: cache, MaxVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := get(c, name); err != nil {
				t.Fatal(err)
			}
			return c.ConnectionState().DidResume
		}
		if resumed("a.test") || !resumed("a.test") {
			t.Errorf("%s: a session is not resumed on its own site", tls.VersionName(version))
		}
		if resumed("b.test") {
			t.Errorf("%s: a session is resumed on another site", tls.VersionName(version))
		}
	}
}

// oneSession offers its session whatever the name.
type oneSession struct{ s *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.s, o.s != nil }
func (o *oneSession) Put(_ string, s *tls.ClientSessionState)    { o.s = s }

func TestPlainHTTPOnTLSPort(t *testing.T) {
	ca := newAuthority(t, "test CA")
	r := start(t, Config{TLS: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}}, echo)
	c := r.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if res, body := answer(t, bufio.NewReader(c), "GET"); res.StatusCode != 400 || !strings.Contains(body, "https://") {
		t.Errorf("got %d %q", res.StatusCode, body)
	}
	if x := r.record(); x.Answer.Reason != reason.ClientPlainOnTLS {
		t.Errorf("reason %s", x.Answer.Reason)
	}
}

func TestHandshakeTimeIsBounded(t *testing.T) {
	ca := newAuthority(t, "test CA")
	r := start(t, Config{TLS: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}, Settings: Settings{Header: 30 * time.Millisecond}}, echo)
	c := r.dial()
	_, _ = c.Write([]byte{0x16, 3, 1})
	_, _ = io.ReadAll(c)
	if x := r.record(); x.Answer.Reason != reason.ClientTLSFailed || x.Answer.Detail != "not done in time, limits.header_time" {
		t.Errorf("reason %s", x.Answer.Reason)
	}
}

func TestCertificatesReload(t *testing.T) {
	ca := newAuthority(t, "test CA")
	dir := t.TempDir()
	f := CertificateFile{filepath.Join(dir, "c.crt"), filepath.Join(dir, "c.key")}
	write := func() *big.Int {
		c := ca.issue(t, nil, "a.test")
		key, _ := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		for name, b := range map[string]*pem.Block{f.Chain: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, f.Key: {Type: "PRIVATE KEY", Bytes: key}} {
			if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return c.Leaf.SerialNumber
	}
	first := write()
	store, err := LoadCertificates(f)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{TLS: true, Sites: &SiteTable{Default: &SiteTLS{Name: "a.test", Certificates: store}}}, echo)
	serial := func() *big.Int {
		c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "a.test"})
		if err != nil {
			t.Fatal(err)
		}
		return c.ConnectionState().PeerCertificates[0].SerialNumber
	}
	if serial().Cmp(first) != 0 {
		t.Error("not the certificate of the file")
	}
	second := write()
	if err := store.Reload(); err != nil || serial().Cmp(second) != 0 {
		t.Errorf("after Reload: %v, not the new certificate", err)
	}
	if err := os.WriteFile(f.Key, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Reload(); err == nil || serial().Cmp(second) != 0 {
		t.Errorf("a broken file: error %v, or the old certificate is gone", err)
	}
}

func TestProxyProtocol(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	const req = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	v2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x08\x12\x34\x01\xbb"
	v6 := "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x27" + strings.Repeat("\x00", 15) + "\x01" + strings.Repeat("\x00", 15) + "\x02\x12\x34\x01\xbb\x04\x00\x00"
	tests := []struct {
		name, raw string
		mode      ProxyMode
		trusted   bool
		addr      string
		code      reason.Code
	}{
		{"v1", "PROXY TCP4 192.0.2.7 192.0.2.8 4660 443\r\n", ProxyRequire, true, "192.0.2.7:4660", ""},
		{"v1 six", "PROXY TCP6 2001:db8::7 2001:db8::8 4660 443\r\n", ProxyRequire, true, "[2001:db8::7]:4660", ""},
		{"v1 unknown", "PROXY UNKNOWN\r\n", ProxyRequire, true, "peer", ""},
		{"v2", v2, ProxyAccept, true, "192.0.2.7:4660", ""},
		{"v2 six with TLV", v6, ProxyAccept, true, "[::1]:4660", ""},
		{"v2 local", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", ProxyRequire, true, "peer", ""},
		{"accept, none", "", ProxyAccept, true, "peer", ""},
		{"require, none", "", ProxyRequire, true, "", reason.ProxyProtoNotSpoken},
		{"require, not trusted", v2, ProxyRequire, false, "", reason.ProxyProtoRejected},
		{"v1 mixed families", "PROXY TCP4 ::1 ::2 1 2\r\n", ProxyRequire, true, "", reason.ProxyProtoRejected},
		{"v1 port", "PROXY TCP4 192.0.2.7 192.0.2.8 70000 443\r\n", ProxyRequire, true, "", reason.ProxyProtoRejected},
		{"v1 endless", "PROXY " + strings.Repeat("x", 200), ProxyRequire, true, "", reason.ProxyProtoRejected},
		{"v2 version 3", "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x0c", ProxyRequire, true, "", reason.ProxyProtoRejected},
		{"v2 huge", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", ProxyRequire, true, "", reason.ProxyProtoRejected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{Proxy: tt.mode}
			if tt.trusted {
				cfg.Trusted = loopback
			}
			got := make(chan *exchange.Client, 1)
			r := start(t, cfg, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
				got <- x.Client
				reply(x, 200, "ok")
			}))
			c := r.dial()
			for i := range len(tt.raw) { // byte by byte: how it is cut must not matter
				if _, err := io.WriteString(c, tt.raw[i:i+1]); err != nil {
					break
				}
			}
			_, _ = io.WriteString(c, req)
			_, _ = io.ReadAll(c)
			if tt.code != "" {
				if x := r.record(); x.Answer.Reason != tt.code {
					t.Errorf("reason %s (%s), want %s", x.Answer.Reason, x.Answer.Detail, tt.code)
				}
				return
			}
			client := <-got
			if want := strings.Replace(tt.addr, "peer", client.Peer.String(), 1); client.Addr.String() != want {
				t.Errorf("client %s, want %s", client.Addr, want)
			}
		})
	}
}

func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 192.0.2.8 4660 443\r\nGET"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x08\x12\x34\x01\xbb"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, spoken, err := parseProxy(b)
		if n < 0 || n > len(b) || n > 0 && err != nil || n > 0 && !spoken {
			t.Fatalf("n %d of %d, spoken %v, %v", n, len(b), spoken, err)
		}
		for i := range b { // a shorter input either asks for more or fails, and never with another success
			h2, n2, _, err2 := parseProxy(b[:i])
			if n2 > 0 && (n2 != n || h2 != h || err != nil) || err2 != nil && err == nil {
				t.Fatalf("at %d of %d: %d %v, whole: %d %v", i, len(b), n2, err2, n, err)
			}
		}
	})
}

// tool skips the test where a program is not there.
func tool(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func TestCurlAndOpenSSL(t *testing.T) {
	curl, openssl := tool(t, "curl"), tool(t, "openssl")
	ca := newAuthority(t, "test CA")
	r := start(t, Config{TLS: true, HTTP2: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}}, echo)
	_, port, _ := net.SplitHostPort(r.addr)
	run := func(stdin, name string, args ...string) string {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Errorf("%s %v: %v\n%s", name, args, err, out.String())
		}
		return out.String()
	}
	resolve := "a.test:" + port + ":127.0.0.1"
	for flag, version := range map[string]string{"--http1.1": "1.1", "--http2": "2"} {
		got := run("", curl, "-sk", flag, "--resolve", resolve, "-d", "x=1", "-w", " %{http_version}", "https://a.test:"+port+"/p?q")
		if want := "POST /p?q a.test:" + port + " [x=1] " + version; got != want {
			t.Errorf("curl %s: %q, want %q", flag, got, want)
		}
	}
	got := run("GET /s HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", openssl, "s_client", "-quiet", "-ign_eof", "-tls1_2", "-servername", "a.test", "-connect", r.addr)
	if !strings.Contains(got, "GET /s a.test []") {
		t.Errorf("openssl s_client: %s", got)
	}
}
