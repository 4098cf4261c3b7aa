package findings

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/captures"
)

// What each capture with a HelloRequest ends in, with secrets and without; those that are answered are healthy, but for these.
func TestRenegotiations(t *testing.T) {
	want := map[string][2]string{ // without secrets, with them
		"client_curl_require_nocert": {"tls.client_cert_required likely", "tls.client_cert_required certain"},
		"client_ss_rr_go_once":       {"tls.hello_request_refused certain", "tls.hello_request_refused certain"},
		"post_1m_iislike_go_once":    {"tls.renegotiation_body_deadlock likely", "tls.renegotiation_body_deadlock certain"},
		"client_ss_rr_go_freely":     {"", "tls.no_close_notify certain"}, // s_server with its answer typed in
		"client_ss_RR_curl":          {"", "tls.no_close_notify certain"},
		"client_ss_r_gnutlscli":      {"", "tls.no_close_notify certain"},
		"damaged_gcm_midstream":      {"tls.hello_request_ignored likely", "tls.hello_request_ignored likely"},
	}
	for _, c := range captures.All(t) {
		expect, listed := want[c.Name]
		switch {
		case listed:
		case strings.HasPrefix(c.Answer, "none"):
			expect = [2]string{"tls.hello_request_ignored certain", "tls.hello_request_ignored certain"}
		case strings.HasPrefix(c.Answer, "alert"):
			expect = [2]string{"tls.hello_request_refused certain", "tls.hello_request_refused certain"}
		case !strings.HasPrefix(c.Answer, "ClientHello"):
			continue
		}
		for i, keyed := range []bool{false, true} {
			if got := worst(diagnose(t, c.Name, keyed)); got != expect[i] && !strings.HasPrefix(c.Name, "founding_02") {
				t.Errorf("%s, with secrets %t: %q, not %q", c.Name, keyed, got, expect[i])
			}
		}
	}
}

// The origin leg of the founding incident, and what else goes wrong behind a handshake.
func TestSession(t *testing.T) {
	for _, c := range []struct {
		capture     string
		flow        int
		dark, keyed string
	}{
		{"founding_02_abnormal_via_waf_504_tls10_rsa", 1, "tls.hello_request_ignored certain", "tls.hello_request_ignored certain"},
		{"founding_01_normal_direct_tls10_rsa", 0, "", ""},
		{"bad_21824_mtls_required_tls13", 0, "tls.client_cert_required likely", "tls.client_cert_required certain"},
		{"client_pha_curl", 0, "tls.client_cert_required likely", "tls.client_cert_required certain"},
		{"client_h2_curl", 0, "", "tls.renegotiation_over_http2 certain"},
		{"client_h2_curl", 1, "tls.client_cert_required likely", "tls.client_cert_required certain"},
		{"client_pha_sclient", 0, "", ""},
		{"client_pha_gnutls", 0, "", ""},
		{"client_pha_go", 0, "", ""}, // a 403 that says nothing by itself
		{"dec_tls13_keyupdate", 0, "", ""},
		{"dec_tls13_psk_resumption_0rtt", 0, "", ""},
		{"bad_21842_no_cl_no_closenotify", 0, "", "tls.no_close_notify certain"},
		{"bad_21808_alert_access_denied49", 0, "tls.handshake_alert certain", "tls.handshake_alert certain"},
	} {
		for keyed, want := range map[bool]string{false: c.dark, true: c.keyed} {
			all := diagnose(t, c.capture, keyed)
			if c.flow >= len(all) {
				t.Errorf("%s: %d flows", c.capture, len(all))
				continue
			}
			if got := worst(all[c.flow : c.flow+1]); got != want {
				t.Errorf("%s, flow %d, with secrets %t: %q, not %q", c.capture, c.flow, keyed, got, want)
			}
		}
	}
}

// worst is the first finding above info, with its confidence.
func worst(results []check.Result) string {
	for _, r := range results {
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Severity > finding.Info {
				return string(f.Code) + " " + f.Confidence.String()
			}
		}
	}
	return ""
}
