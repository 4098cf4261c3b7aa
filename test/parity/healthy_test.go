package parity_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestHealthy holds that live facts of what works, or is merely slow, give no finding above info.
func TestHealthy(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"a.test"}, RSA: 2048})
	client := ca.Issue(peer.Issue{CommonName: "gateway", Client: true})
	nginx := peer.Nginx(t, peer.NginxConfig{HTTP: `server { listen {{addr}} ssl http2; server_name a.test; client_max_body_size 64m;
		ssl_certificate ` + cert.File + `; ssl_certificate_key ` + cert.Key + `;
		location / { root {{root}}; } location /gone { return 404; } location /empty { return 204; } }`})
	apache := peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Sites: []peer.ApacheSite{{Name: "a.test", Cert: cert,
		Locations: []peer.ApacheLocation{{Path: "/optional", VerifyClient: "optional", Extra: "SetHandler reflector"}, {Path: "/require", VerifyClient: "require", Extra: "SetHandler reflector"}}}}})
	slow := httptest.NewUnstartedServer(http.HandlerFunc(serveSlowly))
	slow.EnableHTTP2 = true
	slow.StartTLS()
	t.Cleanup(slow.Close)
	trust := ca.Pool()
	trust.AddCert(slow.Certificate())
	for _, c := range []struct {
		name, addr, authority string
		cfg                   origin.Config
		paths                 []string
	}{
		{"nginx", nginx.Addr, "a.test", origin.Config{HTTP: "1.1"}, []string{"/", "/", "/gone", "/empty", "/index.html"}},
		{"nginx, http/2", nginx.Addr, "a.test", origin.Config{}, []string{"/", "/", "/gone", "/empty", "/index.html"}},
		{"nginx, TLS 1.2", nginx.Addr, "a.test", origin.Config{HTTP: "1.1", TLS: origin.TLS{MaxVersion: 0x0303}}, []string{"/", "/"}},
		{"apache that renegotiates", apache.Addr, "a.test", origin.Config{}, []string{"/optional/", "/optional/", "/index.html"}},
		{"apache that wants a certificate", apache.Addr, "a.test", origin.Config{TLS: origin.TLS{Certificate: &client.TLS}}, []string{"/require/", "/require/"}},
		{"slow", slow.Listener.Addr().String(), "example.com", origin.Config{HTTP: "1.1"}, []string{"/first", "/drip", "/early", "/none"}},
		{"slow, http/2", slow.Listener.Addr().String(), "example.com", origin.Config{}, []string{"/first", "/drip", "/early", "/none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.cfg.URLs, c.cfg.TLS.Roots = []string{"https://" + c.addr}, trust
			o, err := origin.New(c.cfg, origin.Deps{})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			for _, path := range c.paths {
				for _, method := range []string{"GET", "HEAD", "POST"} {
					healthy(t, o, method, path, c.authority)
				}
			}
		})
	}
}

// serveSlowly answers late, in pieces, or with an early hint, and in the end always.
func serveSlowly(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	late := func() { <-time.After(1200 * time.Millisecond) }
	switch r.URL.Path {
	case "/first":
		late()
	case "/drip":
		for range 2 {
			_, _ = io.WriteString(w, "drop\n")
			_ = http.NewResponseController(w).Flush()
			late()
		}
	case "/early":
		w.WriteHeader(http.StatusEarlyHints)
		late()
	case "/none":
		w.WriteHeader(http.StatusNoContent)
	}
	if r.URL.Path != "/none" {
		_, _ = io.WriteString(w, "ok")
	}
}

func healthy(t *testing.T, o *origin.Origin, method, path, authority string) {
	t.Helper()
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), W: nobody{}, Client: &exchange.Client{ConnID: 1},
		Request: exchange.Request{Method: method, Path: path, Target: path, Scheme: "https", Authority: authority, Proto: exchange.HTTP11, Body: exchange.NoBody}}
	if method == "POST" {
		body := bytes.Repeat([]byte("x"), 1<<10)
		x.Request.Body, x.Request.Length = upload{bytes.NewReader(body)}, int64(len(body))
	}
	fetch(t.Context(), o, x)
	mask, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c, at := evidence.OfExchange(x, func(a *exchange.Attempt) []fact.Fact { return origin.Facts(a, mask) })
	if c == nil {
		t.Fatalf("%s %s: no attempt", method, path)
	}
	early := x.Attempts[at].Reason == reason.WriteEarlyResponse // a static file takes no body: nginx says so at once
	if x.Attempts[at].Reason != "" && !early {
		t.Errorf("%s %s: %+v", method, path, x.Attempts)
		return
	}
	for _, f := range diagnosis.Run(c).Findings {
		if f.Severity > finding.Info && !(early && f.Code == "http1.early_answer") {
			t.Errorf("%s %s, %d: %s, %v: %s", method, path, x.Attempts[at].Status, f.Code, f.Severity, f.Summary)
		}
	}
}
