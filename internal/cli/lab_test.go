package cli

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/reason"
)

// What the lab says of its faults are codes that exist.
func TestLabNamesKnownCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range lab.Faults() {
		if seen[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
		for _, code := range []finding.Code{f.Finding, f.Probe} {
			if _, ok := diagnosis.Named(code); code != "" && !ok {
				t.Errorf("%s: no check is called %s", f.Name, code)
			}
		}
		if f.Reason != "" && f.Reason != reason.UsInternal && reason.Lookup(f.Reason).Means == reason.Lookup(reason.UsInternal).Means {
			t.Errorf("%s: no reason is called %s", f.Name, f.Reason)
		}
	}
}
