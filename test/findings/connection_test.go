package findings

import (
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/dns"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/http2"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/tcp"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/captures"
)

// connectionWant is a flow of a capture, counted from 0, and what is found in it first.
type connectionWant struct {
	capture    string
	flow       int
	keyed      bool
	code       finding.Code
	confidence finding.Confidence
}

// connectionWanted are the captures in which names, TCP or HTTP/2 are the cause.
var connectionWanted = []connectionWant{
	{"bad_21846_keepalive_rst_on_second", 0, true, "tcp.one_request_per_connection", finding.Likely},
	{"client_h2_curl", 0, true, "http2.http_1_1_required", finding.Certain},
}

func connectionChecks() []check.Check {
	return slices.Concat(dns.Checks(), tcp.Checks(), http2.Checks())
}

func TestConnection(t *testing.T) {
	for _, w := range connectionWanted {
		t.Run(w.capture, func(t *testing.T) {
			found := check.Run(connectionChecks(), cases(t, w.capture, w.keyed)[w.flow]).Findings
			if len(found) == 0 || found[0].Code != w.code || found[0].Confidence != w.confidence {
				t.Errorf("found %v, want %s %s first", found, w.code, w.confidence)
			}
		})
	}
}

// TestConnectionElsewhere holds that no other capture shows a fault of names, TCP or HTTP/2.
func TestConnectionElsewhere(t *testing.T) {
	for _, c := range captures.All(t) {
		for _, keyed := range []bool{false, true} {
			for i, k := range cases(t, c.Name, keyed) {
				for _, f := range check.Run(connectionChecks(), k).Findings {
					wanted := slices.ContainsFunc(connectionWanted, func(w connectionWant) bool {
						return w.capture == c.Name && w.flow == i && w.keyed == keyed && w.code == f.Code
					})
					if f.Severity != finding.Info && !wanted {
						t.Errorf("%s, flow %d, keyed %v: %s: %s", c.Name, i, keyed, f.Code, f.Summary)
					}
				}
			}
		}
	}
}
