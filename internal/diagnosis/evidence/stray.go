package evidence

import (
	"net/netip"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// mostStrays bounds how many of them a case gets.
const mostStrays = 4

// addStrays joins SYNs without an answer and answers without a SYN that belong to the same port of a client: the way back may come
// from another address (tcp.asymmetric_path). Elsewhere a case holds connections to one server alone.
func addStrays(cases []*check.Case) {
	asked, answered := map[netip.AddrPort][]*check.Flow{}, map[netip.AddrPort][]*check.Flow{}
	for _, c := range cases {
		switch f := c.Flow; {
		case f.Has(fact.TCPConnected):
		case f.Has(fact.TCPSyn) && !f.Has(fact.TCPSynAck):
			asked[f.Client] = append(asked[f.Client], f)
		case f.Has(fact.TCPSynAck) && !f.Has(fact.TCPSyn):
			answered[f.Client] = append(answered[f.Client], f)
		}
	}
	for _, c := range cases {
		switch f := c.Flow; {
		case f.Has(fact.TCPConnected):
		case f.Has(fact.TCPSyn) && !f.Has(fact.TCPSynAck):
			c.Others = append(c.Others, first(answered[f.Client])...)
		case f.Has(fact.TCPSynAck) && !f.Has(fact.TCPSyn):
			c.Others = append(c.Others, first(asked[f.Client])...)
		}
	}
}

func first(all []*check.Flow) []*check.Flow { return all[:min(len(all), mostStrays)] }
