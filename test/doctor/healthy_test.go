package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestHealthy holds that sound servers are called so, with Lunette's defaults, and soon.
func TestHealthy(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	ecdsa := ca.Issue(peer.Issue{Names: []string{"well.test"}})
	rsa := ca.Issue(peer.Issue{Names: []string{"well.test"}, RSA: 2048, Intermediate: true})
	nginx := func(cert *peer.Cert, listen, more string) func(*testing.T) string {
		return func(t *testing.T) string {
			return peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} %s; ssl_certificate %s; ssl_certificate_key %s; %s }", listen, cert.File, cert.Key, more)}).Addr
		}
	}
	for _, tt := range []struct {
		name string
		addr func(*testing.T) string
		args []string
	}{
		{"nginx", nginx(ecdsa, "ssl", ""), nil},
		{"nginx h2", nginx(rsa, "ssl http2", ""), nil},
		{"nginx tls 1.2 alone", nginx(rsa, "ssl", "ssl_protocols TLSv1.2;"), nil},
		{"nginx tls 1.3 alone", nginx(rsa, "ssl http2", "ssl_protocols TLSv1.3;"), nil},
		{"nginx without keep-alive", nginx(rsa, "ssl", "keepalive_timeout 0;"), nil},
		{"nginx redirects", nginx(rsa, "ssl", "location = / { return 302 /index.html; }"), nil},
		{"nginx redirects elsewhere", nginx(rsa, "ssl", "location = / { return 301 https://elsewhere.invalid/; }"), nil},
		{"nginx rejects other names", nginx(rsa, "ssl", "server_name well.test; } server { listen {{addr}} ssl default_server; ssl_reject_handshake on;"), nil},
		{"nginx, a big page", func(t *testing.T) string {
			s := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl http2; ssl_certificate %s; ssl_certificate_key %s; }", rsa.File, rsa.Key)})
			if err := os.WriteFile(filepath.Join(s.Root, "index.html"), make([]byte, 20<<20), 0o644); err != nil {
				t.Fatal(err)
			}
			return s.Addr
		}, nil},
		{"apache h2", func(t *testing.T) string {
			return peer.Apache(t, peer.ApacheConfig{HTTP2: true, Sites: []peer.ApacheSite{{Name: "well.test", Cert: rsa}}}).Addr
		}, []string{"--idle", "1s"}},
		{"gnutls", func(t *testing.T) string { return peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: rsa}).Addr }, nil},
		{"openssl", func(t *testing.T) string { return peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: rsa}).Addr }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			got := examine(t, 0, ask("well.test", "/", tt.addr(t), append(tt.args, "--ca", ca.File)...)...)
			if got.first() != "" || !got.Settings.Proven || len(got.Settings.Why) > 0 || got.Cut != "" {
				t.Errorf("%s\n%s%v", got.all(), got.Settings.YAML, got.Settings.Why)
			}
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestHealthyLab is the same for the lab's origin without a fault, in clear too.
func TestHealthyLab(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			o, err := lab.Start(t.Context(), lab.Config{Plain: scheme == "http"})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = o.Close() }()
			got := examine(t, 0, args(o, lab.Fault{Ask: map[string]lab.Ask{"http": lab.Plain}[scheme]}, rootOf(t, o), nil)...)
			if got.first() != "" || !got.Settings.Proven {
				t.Error(got.all())
			}
		})
	}
}
