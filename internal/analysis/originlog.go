package analysis

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/originlog"
	"github.com/lunette-waf/lunette/internal/fact"
)

// OriginLogWanted says of an entry of a log whether it may be about a flow of r.
func (r *Report) OriginLogWanted() func(*originlog.Entry) bool {
	return originlog.Wanted(connections(r.Flows))
}

// AddOriginLog adds to the flows of r what the origin logged about them.
func (r *Report) AddOriginLog(entries []originlog.Entry) *originlog.Joined {
	joined := originlog.Join(connections(r.Flows), entries)
	for i, facts := range joined.Facts {
		if f := r.Flows[i]; len(facts) > 0 {
			f.Facts, f.Decisive = woven(f.Facts, facts, f.Decisive)
		}
	}
	return joined
}

func connections(flows []*flow.Flow) []originlog.Conn {
	conns := make([]originlog.Conn, len(flows))
	for i, f := range flows {
		conns[i] = originlog.Conn{ID: f.ID, Client: f.Client, Server: f.Server, Start: f.Start.Time(), End: f.End.Time(), Facts: f.Facts}
	}
	return conns
}

// woven are two lists of facts as one, in order of time, and where the fact at index mark of the first now stands.
func woven(a, b []fact.Fact, mark int) ([]fact.Fact, int) {
	out := make([]fact.Fact, 0, len(a)+len(b))
	at := -1
	for i := range a {
		n := slices.IndexFunc(b, func(x fact.Fact) bool { return !x.At.Before(a[i].At) })
		if n < 0 {
			n = len(b)
		}
		out, b = append(out, b[:n]...), b[n:]
		if i == mark {
			at = len(out)
		}
		out = append(out, a[i])
	}
	return append(out, b...), at
}
