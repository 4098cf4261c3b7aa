package gateway_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// echoOrigin answers with the header that it received, as JSON.
func echoOrigin(t testing.TB) *httptest.Server {
	t.Helper()
	return goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Host", r.Host)
		_ = json.NewEncoder(w).Encode(r.Header)
	})
}

func echoed(t testing.TB, a answer) http.Header {
	t.Helper()
	h := http.Header{}
	if err := json.Unmarshal([]byte(a.body), &h); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return h
}

// tryGet is get for a client whose handshake may fail: the error then.
func tryGet(c *http.Client, url string) (int, http.Header, error) {
	res, err := c.Get(url)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header, err
}

// TestClientCertificates asks clients for certificates, judges them, and tells the origin in every form; what clients
// forge is stripped.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	s := echoOrigin(t)
	p := newPKI(t, "*.test")
	alice := p.Issue(peer.Issue{CommonName: "alice", Client: true})
	revoked := p.Issue(peer.Issue{CommonName: "mallory", Client: true})
	stranger := peer.NewCA(t).Issue(peer.Issue{CommonName: "stranger", Client: true})
	auth := func(mode string) string {
		return fmt.Sprintf("    client_auth: {mode: %s, ca: %s, crl: %s}\n    forward_client_cert: [client-cert, x-arr-clientcert, ms-aspnetcore-clientcert]\n", mode, p.File, p.CRL(revoked))
	}
	g := start(t, listens+"sites:\n"+p.goSite("none.test", s, "off", "")+
		p.goSite("request.test", s, "off", auth("request"))+p.goSite("require.test", s, "off", auth("require")))
	forged := []string{"Client-Cert", ":AAAA:", "Client-Cert-Chain", ":AAAA:", "X-ARR-ClientCert", "AAAA", "MS-ASPNETCORE-CLIENTCERT", "AAAA",
		"X_ARR_ClientCert", "AAAA", "Proxy-Status", "x", "X-Forwarded-For", "1.2.3.4", "Forwarded", "for=1.2.3.4"}
	der := base64.StdEncoding.EncodeToString(alice.Leaf.Raw)
	full := map[string]string{"Client-Cert": ":" + der + ":", "X-Arr-Clientcert": der, "Ms-Aspnetcore-Clientcert": der}
	for _, h2 := range []bool{false, true} {
		for _, c := range []struct {
			site string
			cert *peer.Cert
			want map[string]string // nil: refused
		}{
			{"none.test", alice, map[string]string{}},
			{"request.test", nil, map[string]string{}},
			{"request.test", alice, full},
			{"request.test", revoked, nil},
			{"request.test", stranger, nil},
			{"require.test", nil, nil},
			{"require.test", alice, full},
			{"require.test", revoked, nil},
			{"require.test", stranger, nil},
		} {
			name, certs := "nobody", []tls.Certificate(nil)
			if c.cert != nil {
				name, certs = c.cert.Leaf.Subject.CommonName, []tls.Certificate{c.cert.TLS}
			}
			t.Run(fmt.Sprintf("%s %s h2=%v", c.site, name, h2), func(t *testing.T) {
				client := g.client(t, h2)
				client.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(certs) == 0 {
						return new(tls.Certificate), nil
					}
					return &certs[0], nil // whoever it is from: the authorities that the gateway names are not asked
				}
				url := "https://" + c.site + "/" + name
				if c.want == nil {
					if status, _, err := tryGet(client, url); err == nil && status != 403 && status != 400 {
						t.Errorf("%d: such a client must be refused", status)
					}
					return
				}
				h := echoed(t, get(t, client, url, forged...))
				for _, field := range []string{"Client-Cert", "Client-Cert-Chain", "X-Arr-Clientcert", "Ms-Aspnetcore-Clientcert", "X_arr_clientcert", "Proxy-Status"} {
					if got := h.Get(field); got != c.want[field] {
						t.Errorf("%s: %.20q, want %.20q", field, got, c.want[field])
					}
				}
				if got := h["X-Forwarded-For"]; !slices.Equal(got, []string{"127.0.0.1"}) {
					t.Errorf("X-Forwarded-For %q", got)
				}
				if got := h.Get("Forwarded"); strings.Contains(got, "1.2.3.4") {
					t.Errorf("Forwarded %q", got)
				}
			})
		}
	}
	r := g.log.all(t, 1, func(r *telemetry.Record) bool { return r.Site == "require.test" && r.Status == 200 })[0]
	if r.Client.TLS == nil || r.Client.TLS.Certificate != "CN=alice" || !r.Client.TLS.Verified {
		t.Errorf("logged %+v", r.Client.TLS)
	}
}

// TestMisdirected refuses a request whose Host is another site's than the name of its handshake.
func TestMisdirected(t *testing.T) {
	t.Parallel()
	s := echoOrigin(t)
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("a.test", s, "off", "")+p.goSite("b.test", s, "off", ""))
	for _, h2 := range []bool{false, true} {
		path := fmt.Sprint("/misdirected/", h2)
		a := get(t, g.client(t, h2), "https://a.test"+path, "Host", "b.test")
		refused(t, g, path, 421, a.header, a.body, a.status, "config.sni_host_mismatch")
	}
	if a := get(t, http.DefaultClient, "http://"+g.plain()+"/nobody", "Host", "nobody.test"); a.status != 421 {
		t.Errorf("unknown site: %d", a.status)
	}
}

// TestPassthrough hands TLS to the origin unopened, by SNI, and leaves a record of what its headers show.
func TestPassthrough(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	cert := p.Issue(peer.Issue{Names: []string{"through.test"}})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; location / { return 200 unopened; } }", cert.File, cert.Key)})
	g := start(t, listens+"sites:\n"+fmt.Sprintf("  - {names: [through.test], passthrough: true, origin: {urls: [\"https://%s\"]}}\n  - {names: [dead.test], passthrough: true, origin: {urls: [\"https://%s\"]}}\n", s.Addr, closedPort(t))+
		p.goSite("own.test", echoOrigin(t), "off", ""))
	c := g.client(t, false)
	c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: p.Pool(), ServerName: "through.test"} // the origin's own certificate
	if a := get(t, c, "https://through.test/"); a.status != 200 || a.body != "unopened" {
		t.Errorf("%d %q", a.status, a.body)
	}
	c.CloseIdleConnections()
	r := g.log.all(t, 1, func(r *telemetry.Record) bool { return r.Site == "through.test" })[0]
	if a := last(t, r); a.Address != s.Addr || a.TLS == nil || a.TLS.Version == "" || r.Client.TLS.SNI != "through.test" || r.Reason != "" || r.BytesOut == 0 {
		t.Errorf("record %+v, attempt %+v", r, a)
	}
	if _, _, err := tryGet(g.client(t, false), "https://dead.test/"); err == nil {
		t.Error("dead.test answered")
	}
	if r := g.log.all(t, 1, func(r *telemetry.Record) bool { return r.Site == "dead.test" })[0]; r.Reason != "tcp.refused" {
		t.Errorf("dead.test: logged %s", r.Reason)
	}
}

// TestProxyProtocol takes the client's address from a load balancer that may say it, in both versions.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	s := echoOrigin(t)
	p := newPKI(t, "*.test")
	g := start(t, `
listen:
  - {address: "127.0.0.1:0", tls: true, proxy_protocol: {mode: require, trusted: [127.0.0.0/8]}}
  - {address: "127.0.0.1:0", proxy_protocol: {mode: accept, trusted: [127.0.0.0/8]}}
  - {address: "localhost:0", proxy_protocol: {mode: accept, trusted: [192.0.2.0/24]}}
sites:
`+p.goSite("a.test", s, "off", ""))
	client := netip.MustParseAddrPort("203.0.113.9:5555")
	ask := func(t *testing.T, addr string, version byte, secure bool) (http.Header, error) {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if version > 0 {
			h := proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(client), c.RemoteAddr())
			if _, err := h.WriteTo(c); err != nil {
				return nil, err
			}
		}
		var conn net.Conn = c
		if secure {
			conn = tls.Client(c, &tls.Config{ServerName: "a.test", InsecureSkipVerify: true})
		}
		if _, err := io.WriteString(conn, "GET /proxied HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"); err != nil {
			return nil, err
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			return nil, fmt.Errorf("status %d, %w", res.StatusCode, err)
		}
		return echoed(t, answer{body: string(body)}), nil
	}
	for _, c := range []struct {
		name    string
		addr    int
		version byte
		want    string // "": refused
	}{
		{"require v1", 0, 1, "203.0.113.9"}, {"require v2", 0, 2, "203.0.113.9"}, {"require none", 0, 0, ""},
		{"accept v1", 1, 1, "203.0.113.9"}, {"accept v2", 1, 2, "203.0.113.9"}, {"accept none", 1, 0, "127.0.0.1"},
		{"untrusted v1", 2, 1, ""}, {"untrusted none", 2, 0, "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ask(t, g.Addrs()[c.addr], c.version, c.addr == 0)
			if c.want == "" {
				if err == nil {
					t.Errorf("let through as %q", h.Get("X-Forwarded-For"))
				}
				return
			}
			if err != nil || h.Get("X-Forwarded-For") != c.want {
				t.Errorf("%v, the origin was told %q, want %s", err, h.Get("X-Forwarded-For"), c.want)
			}
		})
	}
	g.log.all(t, 4, func(r *telemetry.Record) bool {
		return strings.HasPrefix(r.Client.Address, "203.0.113.9:") && r.Status == 200
	})
}

// TestSiteSettings covers what a site may set for its clients: redirect, pages of its own, trusted proxies.
func TestSiteSettings(t *testing.T) {
	t.Parallel()
	s := echoOrigin(t)
	p := newPKI(t, "*.test")
	page := filepath.Join(t.TempDir(), "502.html")
	if err := os.WriteFile(page, []byte("<!doctype html><p>Our own page, {{id}} {{reason}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	dead := p.site("dead.test", fmt.Sprintf("\n    origin: {urls: [\"http://%s\"], retries: 0}\n    error_pages: {502: %s}\n    waf: {mode: \"off\"}\n", closedPort(t), page))
	g := start(t, listens+"trusted_proxies: [127.0.0.0/8]\nsites:\n"+p.goSite("a.test", s, "off", "    redirect_https: true\n    redirect_port: 8443\n")+dead)
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if a := get(t, plain, "http://"+g.plain()+"/x?y=1", "Host", "a.test"); a.status/100 != 3 || a.header.Get("Location") != "https://a.test:8443/x?y=1" {
		t.Errorf("redirect: %d %q", a.status, a.header.Get("Location"))
	}
	a := get(t, g.client(t, true), "https://dead.test/", "Accept", "text/html")
	if a.status != 502 || !strings.HasPrefix(a.body, "<!doctype html><p>Our own page, "+a.header.Get("X-Request-Id")+" tcp.refused") {
		t.Errorf("own page: %d %q", a.status, a.body)
	}
	a = get(t, g.client(t, false), "https://a.test/", "X-Forwarded-For", "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "front.test")
	if h := echoed(t, a); h.Get("X-Forwarded-For") != "6.6.6.6, 203.0.113.7, 127.0.0.1" || h.Get("X-Forwarded-Host") != "front.test" {
		t.Errorf("a trusted proxy is not believed: %q, %q", h.Get("X-Forwarded-For"), h.Get("X-Forwarded-Host"))
	}
}

// TestAdmin asks the admin address for what machines need.
func TestAdmin(t *testing.T) {
	t.Parallel()
	s := echoOrigin(t)
	p := newPKI(t, "*.test")
	g := start(t, listens+"admin: {address: \"127.0.0.1:0\"}\nsites:\n"+p.goSite("a.test", s, "off", ""))
	get(t, g.client(t, false), "https://a.test/")
	g.log.path(t, "/")
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := g.admin(t, path); status != 200 {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	found := false
	for _, m := range g.metrics(t)["lunette_requests_total"].GetMetric() {
		l := labels(m)
		found = found || l["site"] == "a.test" && l["status"] == "200" && l["reason"] == "none" && m.GetCounter().GetValue() == 1
	}
	if !found {
		t.Errorf("lunette_requests_total: %v", g.metrics(t)["lunette_requests_total"])
	}
	if _, err := app.New(writeFile(t, "listen: [{address: \"127.0.0.1:0\"}]\nadmin: {address: \"0.0.0.0:0\"}\nsites: [{names: [a.test], origin: {urls: [\"http://127.0.0.1:1\"]}, waf: {mode: \"off\"}}]\n"), app.Options{Log: io.Discard, Access: io.Discard}); err == nil {
		t.Error("an admin address for everybody needs a token")
	}
}

func writeFile(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lunette.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestExplainBlock goes the way of an operator: a user tells the id of the blocked page, explain-block prints an exclusion,
// which, pasted into the configuration, lets just that request pass.
func TestExplainBlock(t *testing.T) {
	t.Parallel()
	s := echoOrigin(t)
	p := newPKI(t, "*.test")
	log := filepath.Join(t.TempDir(), "access.jsonl")
	config := func(exclusions string) string {
		return listens + "access_log: {file: " + log + "}\nsites:\n" + p.goSite("a.test", s, "block", "") + exclusions
	}
	g := start(t, config(""))
	attack := "https://a.test/search?q=" + "1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20password%20FROM%20users--%20"
	agent := []string{"User-Agent", "Mozilla/5.0", "Accept", "*/*"}
	a := get(t, g.client(t, false), attack, agent...)
	if a.status != 403 || !strings.Contains(a.body, "waf.blocked_request") {
		t.Fatalf("%d %q", a.status, a.body)
	}
	id := a.header.Get("X-Request-Id")
	until(t, "the line is written", func() bool { return logHas(log, id) })
	text, err := app.ExplainBlock(g.file, "", id)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(text, "exclusions:")
	if at < 0 || !strings.Contains(text, "942100") || !strings.Contains(text, "ARGS:q") {
		t.Fatalf("explain-block says:\n%s", text)
	}
	at = strings.LastIndexByte(text[:at], '\n') + 1
	margin := strings.Index(text[at:], "exclusions:")
	var pasted strings.Builder
	for line := range strings.Lines(text[at:]) { // as somebody pastes it below waf, at the depth of mode
		if len(line) <= margin || strings.TrimSpace(line[:margin]) != "" {
			break
		}
		pasted.WriteString("      " + line[margin:])
	}
	g.write(strings.Replace(config(""), "    waf: {mode: block}\n", "    waf:\n      mode: block\n"+pasted.String(), 1))
	if err := g.Reload(); err != nil {
		t.Fatalf("the exclusion is no configuration: %v\n%s", err, pasted.String())
	}
	if a := get(t, g.client(t, false), attack, agent...); a.status != 200 {
		t.Errorf("with the exclusion: %d\n%s", a.status, pasted.String())
	}
	for _, other := range []string{strings.Replace(attack, "?q=", "?p=", 1), strings.Replace(attack, "/search", "/elsewhere", 1)} {
		if a := get(t, g.client(t, false), other, agent...); a.status != 403 {
			t.Errorf("%s: %d, the exclusion lets too much pass", other, a.status)
		}
	}
}
