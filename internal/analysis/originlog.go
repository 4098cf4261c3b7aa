package analysis

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/originlog"
	"github.com/lunette-waf/lunette/internal/fact"
)

// AddOriginLog adds to the flows of r what the origin logged about them.
func (r *Report) AddOriginLog(entries []originlog.Entry) *originlog.Joined {
	conns := make([]originlog.Conn, len(r.Flows))
	for i, f := range r.Flows {
		conns[i] = originlog.Conn{ID: f.ID, Client: f.Client, Start: f.Start.Time(), End: f.End.Time(), Facts: f.Facts}
	}
	joined := originlog.Join(conns, entries)
	for i, facts := range joined.Facts {
		if f := r.Flows[i]; len(facts) > 0 {
			f.Facts, f.Decisive = woven(f.Facts, facts, f.Decisive)
		}
	}
	return joined
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
