// Package evidence makes cases for the checks of what was gathered: flows of a capture or of recordings, attempts of the gateway.
//
// Input: flows, attempts. Output: [check.Flow] and [check.Case] values. Promises: nothing is added that was not seen.
// Non-goals: judging (diagnosis/check), gathering.
package evidence

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
)

// FromFlow is a flow of a capture as checks see it.
func FromFlow(f *flow.Flow) *check.Flow {
	out := check.Flow{Conn: f.ID, Client: f.Client, Server: f.Server, Watched: check.Packets | check.Records, Start: f.Start.Time(), End: f.End.Time(),
		Facts: f.Facts}
	if f.TLS != nil {
		out.Name = f.TLS.ServerName
	}
	if f.Protocol == flow.ProtocolHTTP || f.TLS != nil && f.TLS.Why == decrypt.WhyNot {
		out.Watched |= check.Plain
	}
	return out.Prepared()
}

// mostOthers bounds how many other connections a case holds.
const mostOthers = 32

// Cases are the flows of a capture, each with its neighbours in time that go to the same server.
func Cases(flows []*flow.Flow) []*check.Case {
	prepared := make([]*check.Flow, len(flows))
	for i, f := range flows {
		prepared[i] = FromFlow(f)
	}
	out := make([]*check.Case, len(flows))
	for i := range prepared {
		out[i] = &check.Case{Flow: prepared[i], Others: neighbours(prepared, i)}
	}
	return out
}

// neighbours are connections to the server of all[i], the nearest mostOthers/2 before and behind it.
func neighbours(all []*check.Flow, i int) []*check.Flow {
	var before, behind []*check.Flow
	for j := i - 1; j >= 0 && len(before) < mostOthers/2; j-- {
		if all[j].Server == all[i].Server {
			before = append(before, all[j])
		}
	}
	for j := i + 1; j < len(all) && len(behind) < mostOthers/2; j++ {
		if all[j].Server == all[i].Server {
			behind = append(behind, all[j])
		}
	}
	slices.Reverse(before)
	return append(before, behind...)
}
