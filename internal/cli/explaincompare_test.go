package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

// TestExplainCompareSealed finds the cause without any key, and tells each encrypted message at its time.
func TestExplainCompareSealed(t *testing.T) {
	t.Chdir(captures.Dir())
	abnormal := filepath.Base(captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa").Path)
	normal := filepath.Base(captures.Find(t, "founding_01_normal_direct_tls10_rsa").Path)
	out, errs, code := run(t, "explain", "--utc", "--width", "100", abnormal, "--compare", normal)
	if code != exitOK || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	golden(t, "founding_compare_sealed.txt", out)
	for _, want := range []string{"answers with an encrypted handshake message after 126 µs", "0.005010 ▶ handshake message", "0.005154 ◀ handshake message"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
}
