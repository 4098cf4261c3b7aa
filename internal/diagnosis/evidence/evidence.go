// Package evidence makes cases for the checks of what was gathered: flows of a capture or of recordings, attempts of the gateway.
//
// Input: flows, attempts. Output: [check.Flow] and [check.Case] values. Promises: nothing is added that was not seen.
// Non-goals: judging (diagnosis/check), gathering.
package evidence

import (
	"net/netip"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
)

// FromFlow is a flow of a capture as checks see it.
func FromFlow(f *flow.Flow) *check.Flow {
	out := check.Flow{Conn: f.ID, Client: f.Client, Server: f.Server, Watched: check.Packets | check.Records | plain(f), Start: f.Start.Time(), End: f.End.Time(),
		Purpose: f.Purpose, Facts: f.Facts}
	if f.Purpose != "" {
		out.Watched &^= check.Packets // they are made up around what a probe recorded
	}
	if f.TLS != nil {
		out.Name = f.TLS.ServerName
	}
	return out.Prepared()
}

// plain is check.Plain where the content of f could be read.
func plain(f *flow.Flow) check.Watched {
	if f.Protocol == flow.ProtocolHTTP || f.TLS != nil && f.TLS.Why == decrypt.WhyNot {
		return check.Plain
	}
	return 0
}

// mostOthers bounds how many other connections a case holds.
const mostOthers = 32

// Cases are the flows of a capture, each with its neighbours in time that go to the same server, and with stray answers to its SYN.
func Cases(flows []*flow.Flow) []*check.Case {
	servers := map[netip.AddrPort][]*check.Flow{}
	places := make([]int, len(flows)) // of each flow among those of its server
	for i, f := range flows {
		places[i] = len(servers[f.Server])
		servers[f.Server] = append(servers[f.Server], FromFlow(f))
	}
	out := make([]*check.Case, len(flows))
	for i, f := range flows {
		same := servers[f.Server]
		out[i] = &check.Case{Flow: same[places[i]], Others: neighbours(same, places[i])}
	}
	addStrays(out)
	return out
}

// neighbours are the nearest mostOthers/2 before and behind all[i].
func neighbours(all []*check.Flow, i int) []*check.Flow {
	before, behind := all[max(0, i-mostOthers/2):i], all[i+1:min(len(all), i+1+mostOthers/2)]
	return slices.Concat(before, behind)
}
