package check

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// TestHostInMends puts the name of the site into commands only where it is one: what a peer sent as SNI must not become a command.
func TestHostInMends(t *testing.T) {
	k := Check{Code: "tls.some_cause", Severity: finding.Warning, Mends: []finding.Mend{{On: finding.Origin, Do: "Type.", Lines: "tool --name {host}"}},
		Run: func(*Case) *Verdict { return &Verdict{Confidence: finding.Certain} }}
	for name, want := range map[string]string{
		"shop.example": "tool --name shop.example", "_x.a-b.example": "tool --name _x.a-b.example", "": "tool --name {host}", "a;reboot": "tool --name {host}", "a b": "tool --name {host}",
		"$(reboot)": "tool --name {host}", "a\nreboot": "tool --name {host}", "-x": "tool --name {host}",
	} {
		f := Flow{Name: name, Facts: []fact.Fact{{Kind: fact.TCPSyn}}}
		r := Run([]Check{k}, &Case{Flow: f.Prepared()})
		if got := r.Findings[0].Mends[0].Lines; got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
