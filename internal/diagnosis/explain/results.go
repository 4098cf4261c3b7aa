package explain

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// result is what the checks say about Flows[i]; an empty one where they were not asked.
func (c *Capture) result(i int) *check.Result {
	if i < len(c.Results) {
		return &c.Results[i]
	}
	return &check.Result{}
}

// above are the findings of r that are more than worth knowing; info are the others. Result has these last.
func above(r *check.Result) (worse, info []finding.Finding) {
	n := slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Severity <= finding.Info })
	if n < 0 {
		n = len(r.Findings)
	}
	return r.Findings[:n], r.Findings[n:]
}

// placeOf is the index of the flow with this ID, -1 where it is not among them.
func (c *Capture) placeOf(conn uint64) int {
	if c.places == nil {
		c.places = make(map[uint64]int, len(c.Flows))
		for i, f := range c.Flows {
			c.places[f.ID] = i
		}
	}
	if i, ok := c.places[conn]; ok {
		return i
	}
	return -1
}

// citesEnd reports whether a finding rests on what ended or spoilt the connection.
func citesEnd(found *finding.Finding, f *flow.Flow) bool {
	return slices.ContainsFunc(found.Proof, func(p finding.Proof) bool {
		if p.Index < 0 || p.Index >= len(f.Facts) || p.Conn != f.ID {
			return false
		}
		switch f.Facts[p.Index].Kind {
		case fact.TCPReset, fact.TCPClosed, fact.TLSAlert, fact.HTTPCutShort, fact.HTTPBroken, fact.HTTP2GoAway, fact.HTTP2RstStream, fact.TLSHelloRequestAnswer, fact.TLSBadRecord:
			return true
		}
		return false
	})
}

// trouble is what stands out in a flow of c: the codes of its causes, and beside them only what weighs more than they explain.
func (c *Capture) trouble(place int) trouble {
	if c.Flows[place].Variant {
		return trouble{} // it was made to fail, or not to
	}
	seen := troubleOf(c.Flows[place])
	worse, _ := above(c.result(place))
	if len(worse) == 0 {
		return seen
	}
	t := trouble{weight: weightMore, first: string(worse[0].Code)}
	for i := range worse {
		if worse[i].Severity == finding.Critical || citesEnd(&worse[i], c.Flows[place]) {
			t.weight = weightMost
		}
	}
	if seen.weight > t.weight { // a warning explains no failure that it does not cite
		t.text, t.weight = seen.text, seen.weight
	}
	return t
}

// marked are rows with those marked that the findings above info rest on. A fact without a row of its own marks that of its packet.
func marked(rows []row, r *check.Result, f *flow.Flow) []row {
	worse, _ := above(r)
	for i := range worse {
		if worse[i].Waited > 0 {
			markWait(rows, worse[i].Proof, f)
		}
		for _, p := range worse[i].Proof {
			if p.Index < 0 || p.Index >= len(f.Facts) || p.Conn != f.ID {
				continue
			}
			if n := rowFor(rows, p.Index, p.Frame); n >= 0 {
				rows[n].marked = true
			}
		}
	}
	return rows
}

// markWait marks the longest silence that somebody owed an answer in, between the first proof of a stall and the last.
func markWait(rows []row, proof []finding.Proof, f *flow.Flow) {
	own := slices.DeleteFunc(slices.Clone(proof), func(p finding.Proof) bool { return p.Index < 0 || p.Conn != f.ID })
	if len(own) == 0 {
		return
	}
	from, to := own[0].At.UnixNano(), own[len(own)-1].At.UnixNano()
	longest := -1
	for i := range rows {
		if r := &rows[i]; r.form == gap && r.kind == fact.Silence && r.at >= from && r.at <= to && (longest < 0 || r.length > rows[longest].length) {
			longest = i
		}
	}
	if longest >= 0 {
		rows[longest].marked = true
	}
}

// rowFor is the row of the fact at an index, or else the last one of its packet before it; -1 without.
func rowFor(rows []row, index int, frame int64) int {
	near := -1
	for i := range rows {
		switch {
		case rows[i].fact == index:
			return i
		case frame > 0 && rows[i].frame == frame && rows[i].fact < index:
			near = i
		}
	}
	return near
}
