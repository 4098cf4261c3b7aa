package check

import (
	"net/netip"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// TestHostInMends puts the name of the site into commands only where it is one: what a peer sent as SNI must not become a command.
func TestHostInMends(t *testing.T) {
	k := Check{Code: "tls.some_cause", Severity: finding.Warning, Mends: []finding.Mend{{On: finding.Origin, Do: "Type.", Lines: "tool --name {host}"}},
		Run: func(*Case) *Verdict { return &Verdict{Confidence: finding.Certain} }}
	for name, want := range map[string]string{
		"shop.example": "tool --name shop.example", "_x.a-b.example": "tool --name _x.a-b.example", "": "tool --name HOST", "a;reboot": "tool --name HOST", "a b": "tool --name HOST",
		"$(reboot)": "tool --name HOST", "a\nreboot": "tool --name HOST", "-x": "tool --name HOST",
	} {
		f := Flow{Name: name, Facts: []fact.Fact{{Kind: fact.TCPSyn}}}
		r := Run([]Check{k}, &Case{Flow: f.Prepared()})
		if got := r.Findings[0].Mends[0].Lines; got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestAddressInMends puts the origin's address into commands, and a word to be filled in where it is not known.
func TestAddressInMends(t *testing.T) {
	const lines = "{origin} {ip} {port} {host}"
	for server, want := range map[string]string{
		"192.0.2.7:8443": "192.0.2.7:8443 192.0.2.7 8443 HOST", "[2001:db8::7]:443": "[2001:db8::7]:443 2001:db8::7 443 HOST", "[fe80::1%;reboot]:443": "[fe80::1]:443 fe80::1 443 HOST",
		"[::ffff:192.0.2.7]:443": "192.0.2.7:443 192.0.2.7 443 HOST", "": "ADDRESS:PORT ADDRESS PORT HOST",
	} {
		var f Flow
		if server != "" {
			f.Server = netip.MustParseAddrPort(server)
		}
		if got := f.filled(lines); got != want {
			t.Errorf("%s: %q, want %q", server, got, want)
		}
	}
	if got := Example(lines); got != "192.0.2.10:443 192.0.2.10 443 shop.example" {
		t.Error(got)
	}
}

// TestMendsInstead leaves the check's own mends out where a case has others.
func TestMendsInstead(t *testing.T) {
	k := Check{Code: "tls.some_cause", Severity: finding.Warning, Mends: []finding.Mend{{On: finding.IIS, Do: "As a rule."}},
		Run: func(*Case) *Verdict {
			return &Verdict{Confidence: finding.Certain, Instead: true, Mends: []finding.Mend{{On: finding.Network, Do: "Here."}}}
		}}
	f := Flow{Facts: []fact.Fact{{Kind: fact.TCPSyn}}}
	r := Run([]Check{k}, &Case{Flow: f.Prepared()})
	if m := r.Findings[0].Mends; len(m) != 1 || m[0].Do != "Here." {
		t.Error(m)
	}
}
