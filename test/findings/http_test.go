package findings

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/finding"
)

// What is wrong with HTTP in the captures: the first finding of the flow with this number, from 0.
func TestHTTP(t *testing.T) {
	for _, row := range []struct {
		capture    string
		keyed      bool
		flow       int
		code       finding.Code
		severity   finding.Severity
		confidence finding.Confidence
	}{
		{"bad_21830_close_before_response", true, 0, "http1.closed_before_answer", finding.Critical, finding.Certain},
		{"bad_21831_closenotify_before_response", true, 0, "http1.closed_before_answer", finding.Critical, finding.Certain},
		{"bad_21834_truncated_content_length", true, 0, "http1.body_truncated", finding.Critical, finding.Certain},
		{"bad_21839_cl_and_te", true, 0, "http1.malformed_answer", finding.Warning, finding.Certain},
		{"bad_21840_two_cl", true, 0, "http1.malformed_answer", finding.Warning, finding.Certain},
		{"bad_21841_body_then_rst", true, 0, "http1.body_truncated", finding.Critical, finding.Certain},
		{"bad_21843_slow_ttfb_8s", true, 0, "http1.slow_first_byte", finding.Warning, finding.Certain},
		{"bad_21844_space_header_name", true, 0, "http1.malformed_answer", finding.Warning, finding.Certain},
		{"bad_21845_gzip_garbage", true, 0, "http1.content_coding_broken", finding.Critical, finding.Certain},
		{"bad_21847_status_101_unasked", true, 0, "http1.upgrade_failed", finding.Critical, finding.Certain},
	} {
		all := diagnose(t, row.capture, row.keyed)
		if row.flow >= len(all) || len(all[row.flow].Findings) == 0 {
			t.Errorf("%s: nothing is found", row.capture)
			continue
		}
		if f := all[row.flow].Findings[0]; f.Code != row.code || f.Severity != row.severity || f.Confidence != row.confidence {
			t.Errorf("%s, keyed %v: %s %s %s, want %s %s %s: %s", row.capture, row.keyed, f.Code, f.Severity, f.Confidence, row.code, row.severity, row.confidence, f.Summary)
		}
	}
}
