package check_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// TestContrast holds that a contrast settles a thing only where it failed, worked and failed again.
func TestContrast(t *testing.T) {
	for _, tt := range []struct {
		name, order string // F: the one in question, f failed alike, w worked, a against, o worked at another address, - aside
		settled     bool
	}{
		{"once each", "wF", false},
		{"once each, the other way round", "Fw", false},
		{"worked before it broke", "wwFf", false},
		{"worked since it was mended", "Ffww", false},
		{"failed, worked, failed", "Fwf", true},
		{"the first failure was another's", "fwF", true},
		{"mixed", "wFwfw", true},
		{"went the other way round, too", "Fwfa", false},
		{"worked elsewhere", "Fof", false},
		{"what is aside counts for nothing", "F-f", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &check.Case{}
			for i, r := range tt.order {
				f := &check.Flow{Start: time.Unix(int64(i), 0), Server: netip.MustParseAddrPort("192.0.2.1:443"), Purpose: string(r)}
				if r == 'o' {
					f.Server = netip.MustParseAddrPort("192.0.2.2:443")
				}
				if r == 'F' {
					c.Flow = f
				} else {
					c.Others = append(c.Others, f)
				}
			}
			x := c.Contrast(func(o *check.Flow) check.Bearing {
				return map[string]check.Bearing{"f": check.Failed, "w": check.Worked, "o": check.Worked, "a": check.Against}[o.Purpose]
			})
			if x.Settled() != tt.settled {
				t.Errorf("settled is %t, want %t: %+v", x.Settled(), tt.settled, x)
			}
			v := &check.Verdict{Confidence: finding.Certain}
			if x.Temper(v); (v.Confidence == finding.Certain) != tt.settled || (v.Settle == "") != tt.settled {
				t.Errorf("tempered to %v, settle %q", v.Confidence, v.Settle)
			}
		})
	}
}
