package explain

import (
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// TestEveryKindIsTold demands a row for each kind of fact that a capture gives; the others are named here.
func TestEveryKindIsTold(t *testing.T) {
	live := []fact.Kind{fact.DNSAnswer, fact.DNSFailed, fact.PoolWaited, fact.ConnReused, fact.PathMTU, fact.TLSVerified, fact.RequestSent, fact.GaveUp,
		fact.ClientLeft, fact.HealthChecked} // the gateway's and the doctor's alone
	elsewhere := []fact.Kind{
		fact.PlainRequest, fact.HTTP2Preface, // in the head of the flow
		fact.FirstByte, fact.RequestDone, fact.ResponseDone, // in the rows of heads, and where they took long
	}
	for k := fact.None + 1; k.String() != "unknown"; k++ {
		f := of(nil)
		f.Facts = []fact.Fact{{Kind: k, Side: fact.SideServer, At: at(1).Time(), Code: 1, Size: 2e9, Text: "x", Detail: fact.NewDetail(k)}}
		told := len(rowsOf(f, false, sinceStart(f))) > 0
		if named := slices.Contains(live, k) || slices.Contains(elsewhere, k); told == named {
			t.Errorf("%s: a row: %t, named as one without: %t", k, told, named)
		}
	}
}
