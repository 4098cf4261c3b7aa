package explain

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// findingsJSON are the findings about Flows[i] as programs read them: connections by their numbers, packets by their files.
func findingsJSON(c *Capture, i int) []finding.Finding {
	out := []finding.Finding{}
	for _, f := range c.result(i).Findings {
		f.Conn = uint64(c.number(i))
		f.Mends = append([]finding.Mend{}, f.Mends...)
		proof := make([]finding.Proof, len(f.Proof))
		for n, p := range f.Proof {
			p.File, p.Frame = c.frame(p.Frame)
			if at := c.placeOf(p.Conn); at >= 0 {
				p.Conn = uint64(c.number(at))
			} else {
				p.Conn = 0
			}
			p.At = p.At.UTC()
			proof[n] = p
		}
		f.Proof = proof
		out = append(out, f)
	}
	return out
}

// lackingJSON are the checks that could not look, and what they would need.
func lackingJSON(r *check.Result) []jsonLack {
	var out []jsonLack
	for _, l := range r.Lacking {
		out = append(out, jsonLack{l.Code, l.For.Names()})
	}
	return out
}
