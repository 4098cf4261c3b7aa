package lab

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// sClient asks with openssl s_client.
func sClient(t *testing.T, f *peerFiles, o *Origin, more ...string) string {
	t.Helper()
	return ask(t, need(t, "openssl"), append([]string{"s_client", "-connect", o.Addr(), "-servername", DefaultName, "-CAfile", f.ca, "-ign_eof", "-quiet"}, more...)...)
}

// OpenSSL speaks TLS 1.3 with the lab: every suite, a retry, a certificate in the handshake and after it.
func TestOpenSSLClient13(t *testing.T) {
	need(t, "openssl")
	f := files(t)
	own := tlspeer.Config{MinVersion: tlswire.VersionTLS13, MaxVersion: tlswire.VersionTLS13, Certificate: f.rsaOwn}
	for name, tt := range map[string]struct {
		fault  string
		change func(*tlspeer.Config)
		args   []string
		want   []string
	}{
		"aes 128":              {"", func(c *tlspeer.Config) { c.Suites = []uint16{0x1301} }, nil, []string{"tls: TLS 1.3 TLS_AES_128_GCM_SHA256"}},
		"aes 256":              {"", func(c *tlspeer.Config) { c.Suites = []uint16{0x1302} }, nil, []string{"tls: TLS 1.3 TLS_AES_256_GCM_SHA384"}},
		"chacha20":             {"", func(c *tlspeer.Config) { c.Suites = []uint16{0x1303} }, nil, []string{"tls: TLS 1.3 TLS_CHACHA20"}},
		"ecdsa":                {"", func(c *tlspeer.Config) { c.Certificate = f.ecdOwn }, nil, []string{"handshakes: 1"}},
		"retry":                {"hello-retry", nil, nil, []string{"handshakes: 1"}},
		"certificate":          {"client-cert-required-13", nil, []string{"-cert", f.cert, "-key", f.key}, []string{"client certificate: CN=waf"}},
		"none":                 {"client-cert-required-13", nil, nil, []string{"alert certificate required"}},
		"key update":           {"key-update", nil, nil, []string{strings.Repeat("x", half) + strings.Repeat("y", half)}},
		"asked, not offered":   {"post-handshake-auth", nil, nil, []string{"403 Forbidden"}},
		"asked and given":      {"post-handshake-auth", nil, []string{"-enable_pha", "-cert", f.cert, "-key", f.key}, []string{"200 OK", "client certificate: CN=waf", "handshakes: 2"}},
		"asked, none given":    {"post-handshake-auth", nil, []string{"-enable_pha"}, []string{"alert certificate required"}},
		"asked out of nowhere": {"post-handshake-auth-unoffered", nil, nil, []string{"unexpected message"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := own
			if tt.change != nil {
				tt.change(&cfg)
			}
			out := sClient(t, f, start(t, Config{Fault: tt.fault, CA: f.authority, TLS: cfg}), append(tt.args, "-tls1_3")...)
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("want %q in:\n%s", want, out)
				}
			}
		})
	}
}

// What OpenSSL says of faults that Go's client does not reach.
func TestOpenSSLFindsFaults(t *testing.T) {
	f := files(t)
	for fault, tt := range map[string]struct {
		args []string
		want string
	}{
		"weak-dh":                 {[]string{"-tls1_2", "-cipher", "DHE@SECLEVEL=2"}, "dh key too small"},
		"no-secure-renegotiation": {[]string{"-tls1_2"}, "unsafe legacy renegotiation disabled"},
		"cert-weak-key":           {[]string{"-tls1_2", "-verify_return_error"}, "EE certificate key too weak"},
		"cert-sha1":               {[]string{"-tls1_2", "-verify_return_error"}, "CA signature digest algorithm too weak"},
		"alert-internal-error":    {nil, "alert number 80"},
		"sni-warning":             {[]string{"-tls1_2"}, "200 OK"},
		"sni-missing-alert":       {[]string{"-noservername"}, "alert number 112"},
		"h2-renegotiate":          {[]string{"-tls1_2"}, "200 OK"},
		"record-corrupted":        {[]string{"-tls1_2"}, "bad record mac"},
		"issuer-list-too-long":    {[]string{"-tls1_2"}, "alert handshake failure"},
		"plain-http":              {nil, "wrong version number"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if !slices.Contains(args, "-noservername") {
				args = append([]string{"-servername", DefaultName}, args...)
			}
			o := start(t, Config{Fault: fault, CA: f.authority})
			out := ask(t, need(t, "openssl"), append([]string{"s_client", "-connect", o.Addr(), "-CAfile", f.ca, "-ign_eof", "-quiet"}, args...)...)
			if !strings.Contains(strings.ToLower(out), strings.ToLower(tt.want)) {
				t.Errorf("want %q in:\n%s", tt.want, out)
			}
		})
	}
}

// DHE goes through where it is allowed to, and a ticket resumes.
func TestOpenSSLTicketAndDHE(t *testing.T) {
	f := files(t)
	o := start(t, Config{CA: f.authority, TLS: tlspeer.Config{Certificate: f.rsaOwn, Suites: []uint16{0x009e}, Sessions: new(tlspeer.Sessions)}})
	session := filepath.Join(t.TempDir(), "session.pem")
	args := []string{"-tls1_2", "-cipher", "DHE@SECLEVEL=0"}
	first := sClient(t, f, o, append(args, "-sess_out", session)...)
	if !strings.Contains(first, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256") {
		t.Fatalf("no DHE:\n%s", first)
	}
	if b, err := os.ReadFile(session); err != nil || !bytes.Contains(b, []byte("SESSION")) {
		t.Fatalf("no session: %v", err)
	}
	again := ask(t, need(t, "openssl"), "s_client", "-connect", o.Addr(), "-servername", DefaultName, "-CAfile", f.ca, "-ign_eof", "-tls1_2",
		"-cipher", "DHE@SECLEVEL=0", "-sess_in", session)
	if !strings.Contains(again, "Reused, TLSv1.2") {
		t.Errorf("not resumed:\n%s", again)
	}
}

// curl and HTTP/2: what the faults look like to it.
func TestCurlHTTP2(t *testing.T) {
	curl := need(t, "curl")
	f := files(t)
	for fault, want := range map[string]string{
		"":                       "HTTP/2 200",
		"h2-http11-required":     "HTTP/1.1 200", // curl goes back to HTTP/1.1
		"h2-stream-reset":        "INTERNAL_ERROR",
		"h2-half-body":           "INTERNAL_ERROR",
		"h2-goaway-calm":         "GOAWAY",
		"h2-inadequate-security": "GOAWAY",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Fault: fault, CA: f.authority}
			if fault == "" {
				cfg.TLS.ALPN = []string{"h2", "http/1.1"}
			}
			o := start(t, cfg)
			out := ask(t, curl, "-sSiv", "--http2", "--max-time", "10", "--noproxy", "*", "--cacert", f.ca, "https://"+o.Addr()+"/")
			if !strings.Contains(out, want) {
				t.Errorf("want %q in:\n%s", want, out)
			}
		})
	}
}
