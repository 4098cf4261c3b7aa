package gateway_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// apache is an Apache on TLS 1.2 (or up to maxTLS) with two sites, a.test and b.test.
func apache(t testing.TB, p pki, maxTLS string) *peer.Server {
	t.Helper()
	locations := []peer.ApacheLocation{
		{Path: "/optional", VerifyClient: "optional", Extra: "SetHandler reflector"},
		{Path: "/require", VerifyClient: "require", Extra: "SetHandler reflector"},
	}
	return peer.Apache(t, peer.ApacheConfig{MaxTLS: maxTLS, ClientCA: p.File, Sites: []peer.ApacheSite{
		{Name: "a.test", Cert: p.Issue(peer.Issue{Names: []string{"a.test"}, RSA: 2048}), Locations: locations},
		{Name: "b.test", Cert: p.Issue(peer.Issue{Names: []string{"b.test"}, RSA: 2048}), Locations: locations},
	}})
}

// apacheSite is a site in front of that Apache.
func (p pki) apacheSite(name, origin, addr, tls, waf string) string {
	keep := "4s"
	if name == "fresh.test" || name == "waf.test" { // every request is the first of its connection
		keep = "0s"
	}
	return p.site(name, fmt.Sprintf(`
    limits: {body: 1MiB}
    origin:
      urls: ["https://%s"]
      timeouts: {keepalive_idle: %s}
      host: %s
      tls: {ca: %s%s}
    waf: {mode: %s}
`, addr, keep, origin, p.File, tls, waf))
}

// TestApache holds the gateway against a real Apache httpd that renegotiates: the incident that Lunette was made for.
func TestApache(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	s := apache(t, p, "1.2")
	cert := p.Issue(peer.Issue{CommonName: "gateway", Client: true})
	withCert := fmt.Sprintf(", client_certificate: {file: %s, key: %s}", cert.File, cert.Key)
	g := start(t, listens+"sites:\n"+
		p.apacheSite("a.test", "a.test", s.Addr, "", "off")+
		p.apacheSite("b.test", "b.test", s.Addr, "", "off")+
		p.apacheSite("fresh.test", "a.test", s.Addr, "", "off")+
		p.apacheSite("waf.test", "a.test", s.Addr, "", "block, paranoia: 1")+
		p.apacheSite("cert.test", "a.test", s.Addr, withCert, "off")+
		p.apacheSite("never.test", "a.test", s.Addr, ", renegotiation: never", "off"))
	upload := map[int]string{}
	for _, kb := range []int{100, 300} {
		upload[kb] = filepath.Join(t.TempDir(), fmt.Sprint(kb))
		if err := os.WriteFile(upload[kb], bytes.Repeat([]byte("0123456789abcdef"), kb<<6), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		v := strings.TrimPrefix(version, "--")
		t.Run("plain "+v, func(t *testing.T) {
			for _, name := range []string{"a.test", "b.test", "waf.test"} {
				want := "apache " + strings.Replace(name, "waf", "a", 1) + "\n"
				if r := g.curl(name, "/index.html?"+v, version); r.Status != 200 || string(r.Body) != want {
					t.Errorf("%s: %d %q, want 200 %q (%s)", name, r.Status, r.Body, want, r.Stderr)
				}
			}
		})
		t.Run("optional "+v, func(t *testing.T) {
			path := "/optional/" + v
			if r := g.curl("a.test", path, version, "-d", "hi"); r.Status != 200 || string(r.Body) != "hi" {
				t.Errorf("%d %q (%s)", r.Status, r.Body, r.Stderr)
			}
			if a := last(t, g.log.path(t, path)); a.TLS.Renegotiations != 1 || !a.TLS.CertRequested || a.TLS.CertSent || a.Status != 200 {
				t.Errorf("the record does not name the renegotiation: %+v, %+v", a, a.TLS)
			}
		})
		t.Run("require "+v, func(t *testing.T) {
			path := "/require/" + v
			r := g.curl("a.test", path, version)
			rec := refused(t, g, path, 502, r.Header, string(r.Body), r.Status, "tls.client_cert_required")
			if a := last(t, rec); a.TLS.AlertReceived == nil || *a.TLS.AlertReceived != 40 {
				t.Errorf("the alert is not in the record: %+v", a.TLS)
			}
			if !strings.Contains(r.Header.Get("Proxy-Status"), `; alert-id=40; alert-message="handshake_failure";`) {
				t.Errorf("Proxy-Status does not name the alert: %s", r.Header.Get("Proxy-Status"))
			}
		})
		t.Run("require with certificate "+v, func(t *testing.T) {
			path := "/require/with/" + v
			if r := g.curl("cert.test", path, version, "-d", "hi"); r.Status != 200 || string(r.Body) != "hi" {
				t.Errorf("%d %q (%s)", r.Status, r.Body, r.Stderr)
			}
			if a := last(t, g.log.path(t, path)); !a.TLS.CertSent || a.TLS.Renegotiations != 1 {
				t.Errorf("the record does not name the certificate: %+v", a.TLS)
			}
		})
		for _, name := range []string{"fresh.test", "waf.test"} {
			for kb, file := range upload {
				t.Run(fmt.Sprintf("post %d KB to %s %s", kb, name, v), func(t *testing.T) {
					path := fmt.Sprintf("/optional/post/%s/%d/%s", name, kb, v)
					r := g.curl(name, path, version, "-F", "f=@"+file+";type=text/plain")
					if r.Status != 200 || len(r.Body) < kb<<10 {
						t.Errorf("%d, %d bytes (%s) %.300s", r.Status, len(r.Body), r.Stderr, r.Body)
					}
					if a := last(t, g.log.path(t, path)); a.Reused || a.TLS.Renegotiations != 1 {
						t.Errorf("not on first contact, or without a renegotiation: %+v", a)
					}
				})
			}
		}
		t.Run("never "+v, func(t *testing.T) {
			path := "/optional/never/" + v
			r := g.curl("never.test", path, version)
			rec := refused(t, g, path, 502, r.Header, string(r.Body), r.Status, "tls.renegotiation_refused")
			if rec.DurationMS > 10_000 {
				t.Errorf("it took %.0f ms, want at once", rec.DurationMS)
			}
			if r := g.curl("never.test", "/index.html", version); r.Status != 200 {
				t.Errorf("without renegotiation: %d", r.Status)
			}
		})
	}
}

// TestApacheTwentyInARow sends twenty requests over one client connection to a Location that renegotiates.
func TestApacheTwentyInARow(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	s := apache(t, p, "1.2")
	g := start(t, listens+"sites:\n"+p.apacheSite("a.test", "a.test", s.Addr, "", "off"))
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%v", h2), func(t *testing.T) {
			c := g.client(t, h2)
			path := fmt.Sprintf("/optional/row/%v", h2)
			for i := range 20 {
				body := fmt.Sprintf("request %d", i)
				if a := do(t, c, "POST", "https://a.test"+path, strings.NewReader(body), "Content-Type", "text/plain"); a.status != 200 || a.body != body {
					t.Fatalf("request %d: %d %q", i, a.status, a.body)
				}
			}
			clients, origins := map[uint64]bool{}, map[uint64]bool{}
			for _, r := range g.log.all(t, 20, func(r *telemetry.Record) bool { return r.Request.Path == path }) {
				clients[r.Client.Connection] = true
				for _, a := range r.Attempts {
					origins[a.Connection] = true
				}
			}
			if len(clients) != 1 || len(origins) != 1 {
				t.Errorf("%d client and %d origin connections, want one each", len(clients), len(origins))
			}
		})
	}
}

// TestApachePostHandshake shows that what TLS 1.3 origins with SSLVerifyClient do passes through: they answer 403.
func TestApachePostHandshake(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	s := apache(t, p, "1.3")
	g := start(t, listens+"sites:\n"+
		p.apacheSite("a.test", "a.test", s.Addr, "", "off")+
		p.apacheSite("capped.test", "a.test", s.Addr, `, max_version: "1.2"`, "off"))
	if r := g.curl("a.test", "/optional/"); r.Status != 403 {
		t.Errorf("TLS 1.3: %d, want the origin's 403", r.Status)
	}
	if r := g.log.path(t, "/optional/"); r.From != "origin" || last(t, r).TLS.Version != "1.3" {
		t.Errorf("logged from %s on TLS %s", r.From, last(t, r).TLS.Version)
	} else if r.Reason != "" || last(t, r).TLS.CertRequested {
		t.Errorf("a reason %q, certificate requested: %v; docs/operations.md says that none can be seen", r.Reason, last(t, r).TLS.CertRequested)
	}
	if log := s.Log("error.log"); !strings.Contains(log, "AH10158") {
		t.Errorf("docs/operations.md points to AH10158 in Apache's log, which has\n%s", log)
	}
	if r := g.curl("capped.test", "/optional/capped", "-d", "hi"); r.Status != 200 {
		t.Errorf("capped at TLS 1.2: %d, want 200", r.Status)
	}
	r := g.curl("capped.test", "/require/capped")
	refused(t, g, "/require/capped", 502, r.Header, string(r.Body), r.Status, "tls.client_cert_required")
}
