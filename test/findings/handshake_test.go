package findings

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/finding"
)

// TestHandshakes holds what is said of connections that fail in the TLS handshake.
func TestHandshakes(t *testing.T) {
	for _, want := range []struct {
		capture    string
		keyed      bool
		code       finding.Code
		confidence finding.Confidence
	}{
		{"bad_21803_fin_after_clienthello", false, "tls.closed_after_hello", finding.Likely},
		{"bad_21804_alert_handshake_failure40", false, "tls.no_common_cipher", finding.Likely},
		{"bad_21805_alert_protocol_version70", false, "tls.no_common_version", finding.Likely},
		{"bad_21810_plain_http_on_tls_port", false, "tls.tls_to_plain_port", finding.Certain},
		{"bad_21811_tls10_only", false, "tls.no_common_version", finding.Likely},
		{"bad_21812_dhe1024_only", false, "tls.weak_dh", finding.Certain},
		{"bad_21813_cert_expired", true, "cert.expired", finding.Certain},
		{"bad_21813_cert_expired", false, "cert.expired", finding.Likely},
		{"bad_21815_cert_unknownca", true, "cert.unknown_ca", finding.Likely},
		{"bad_21815_cert_unknownca", false, "cert.unknown_ca", finding.Likely},
		{"bad_21816_cert_nochain", true, "cert.unknown_ca", finding.Likely}, // nothing in it says that the issuer is no root
		{"bad_21820_cert_clientauth_eku", true, "cert.not_permitted", finding.Certain},
		{"bad_21852_no_secure_renegotiation_RI", false, "tls.no_secure_renegotiation", finding.Certain},
		{"bad_21854_3des_only", false, "tls.no_common_cipher", finding.Likely},
		{"bad_21855_nginx_reject_handshake_sni", false, "tls.sni_missing", finding.Certain},
	} {
		name := want.capture
		if want.keyed {
			name += "_keyed"
		}
		t.Run(name, func(t *testing.T) {
			results := diagnose(t, want.capture, want.keyed)
			if len(results) == 0 || len(results[0].Findings) == 0 {
				t.Fatalf("no finding; want %s", want.code)
			}
			if got := results[0].Findings[0]; got.Code != want.code || got.Confidence != want.confidence {
				t.Errorf("got %s, %s: %s; want %s, %s", got.Code, got.Confidence, got.Summary, want.code, want.confidence)
			}
		})
	}
}
