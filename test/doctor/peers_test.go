package doctor

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

// ask is how the tests call the command: by a name that nobody resolves, at an address on loopback.
func ask(name, path, addr string, more ...string) []string {
	return append([]string{"https://" + name + path, "--origin", addr}, more...)
}

// TestApacheRenegotiates is the founding incident with a real Apache httpd: what scanners call healthy.
func TestApacheRenegotiates(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	s := peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Sites: []peer.ApacheSite{{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}, RSA: 2048}),
		Locations: []peer.ApacheLocation{{Path: "/optional", VerifyClient: "optional"}, {Path: "/require", VerifyClient: "require"}, {Path: "/cipher", Ciphers: "ECDHE-RSA-AES256-GCM-SHA384"}},
		Extra:     "RequestReadTimeout body=2"}}})
	for _, dir := range []string{"optional", "require", "cipher"} {
		if err := os.MkdirAll(filepath.Join(s.Root, "a.test", dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.Root, "a.test", dir, "index.html"), []byte(dir), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cert := ca.Issue(peer.Issue{CommonName: "gateway", Client: true, RSA: 2048})
	certs := []string{"--client-cert", cert.File, "--client-key", cert.Key}
	for _, tt := range []struct {
		path, want string
		exit       int
		proven     bool
		more       []string
	}{
		{"/", "", 0, true, nil},
		{"/optional/", "tls.hello_request_ignored", 1, true, nil},
		{"/require/", "tls.client_cert_required", 1, false, nil},
		{"/require/", "tls.hello_request_ignored", 1, true, certs},
		{"/optional/", "tls.hello_request_ignored", 1, true, []string{"--origin-log", filepath.Join(s.Dir, "error.log"), "--origin-log-zone", "Local"}},
		{"/cipher/", "tls.hello_request_ignored", 1, true, nil},
	} {
		t.Run(fmt.Sprint(tt.path, " ", len(tt.more)), func(t *testing.T) {
			got := examine(t, tt.exit, ask("a.test", tt.path, s.Addr, append(tt.more, "--ca", ca.File)...)...)
			if got.first() != tt.want || got.Settings.Proven != tt.proven {
				t.Errorf("first %q, proven %v (%s), want %q, %v: %+v", got.first(), got.Settings.Proven, got.Settings.Proof, tt.want, tt.proven, got.Findings)
			}
		})
	}
}

// TestLegacyServers holds that the settings for old servers are found and work.
func TestLegacyServers(t *testing.T) {
	t.Parallel()
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
	for _, tt := range []struct {
		name   string
		addr   func(*testing.T) string
		want   string
		yaml   string
		proven bool
	}{
		{"openssl tls 1.0", openssl("-tls1", "-cipher", "ALL:@SECLEVEL=0"), "tls.no_common_version", "profile: legacy", true},
		{"openssl rsa key exchange", openssl("-tls1_2", "-cipher", "AES128-SHA256:AES128-SHA"), "tls.no_common_cipher", "profile: compatible", true},
		{"openssl p-521 alone", openssl("-tls1_3", "-groups", "P-521"), "", "", true},
		{"gnutls tls 1.0 3des", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:-CIPHER-ALL:+3DES-CBC"), "tls.no_common_cipher", "profile: legacy", true},
		{"gnutls dhe alone", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA"), "tls.no_common_cipher", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := examine(t, -1, ask("old.test", "/", tt.addr(t), "--ca", ca.File)...)
			if got.first() != tt.want || got.Settings.Proven != tt.proven || !contains(got.Settings.YAML, tt.yaml) {
				t.Errorf("first %q, proven %v (%s), want %q, %v:\n%s%+v", got.first(), got.Settings.Proven, got.Settings.Proof, tt.want, tt.proven, got.Settings.YAML, got.Findings)
			}
		})
	}
}

// TestNginxCertificates holds that each fault of a certificate is named, and what else the tries show does not stand above it.
func TestNginxCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := peer.NewCA(t), peer.NewCA(t)
	for _, tt := range []struct {
		name, want, verify string
		cert               *peer.Cert
	}{
		{"good", "", "", ca.Issue(peer.Issue{Names: []string{"c.test"}})},
		{"expired", "cert.expired", "verify: none", ca.Issue(peer.Issue{Names: []string{"c.test"}, Expired: true})},
		{"not yet valid", "cert.not_yet_valid", "verify: none", ca.Issue(peer.Issue{Names: []string{"c.test"}, NotYet: true})},
		{"wrong name", "cert.name_mismatch", "verify: chain", ca.Issue(peer.Issue{Names: []string{"other.test"}})},
		{"self-signed", "cert.self_signed", "verify: none", ca.Issue(peer.Issue{Names: []string{"c.test"}, SelfSigned: true})},
		{"unknown ca", "cert.unknown_ca", "verify: none", stranger.Issue(peer.Issue{Names: []string{"c.test"}})},
		{"chain gap", "cert.chain_incomplete", "verify: none", ca.Issue(peer.Issue{Names: []string{"c.test"}, Intermediate: true, OmitChain: true, AIA: "http://127.0.0.1:1/ca.crt"})},
		{"common name only", "cert.common_name_only", "verify: chain", ca.Issue(peer.Issue{Names: []string{"c.test"}, NoSAN: true})},
		{"for clients", "cert.not_permitted", "verify: none", ca.Issue(peer.Issue{Names: []string{"c.test"}, Client: true})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; }", tt.cert.File, tt.cert.Key)})
			got := examine(t, -1, ask("c.test", "/", s.Addr, "--ca", ca.File)...)
			if got.first() != tt.want || !got.Settings.Proven || !contains(got.Settings.YAML, tt.verify) {
				t.Errorf("first %q, proven %v (%s), want %q:\n%s%+v", got.first(), got.Settings.Proven, got.Settings.Proof, tt.want, got.Settings.YAML, got.Findings)
			}
		})
	}
}

// TestNothingListens holds that an origin that is not there ends soon and is named.
func TestNothingListens(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	got := examine(t, 1, ask("gone.test", "/", addr)...)
	if got.first() != "tcp.refused" || len(got.Connections) > 4 {
		t.Errorf("%+v", got)
	}
}
