package explain

import (
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// Pick returns the indices of the flows that Compare sets against each other, and leaves no others to choose from; ok is false when
// one capture has none.
func Pick(abnormal, normal *Capture) (a, n int, ok bool) {
	if a, n, ok = pick(abnormal, normal); ok {
		abnormal.Only, normal.Only = abnormal.number(a), normal.number(n)
	}
	return a, n, ok
}

// cause is the first finding above info about the abnormal flow that rests on the first difference; nil without.
func (c *comparison) cause() *finding.Finding {
	if c.first < 0 || c.matters <= closing {
		return nil
	}
	from, to := c.around()
	worse, _ := above(c.abnormal.c.result(c.abnormal.index))
	for i := range worse {
		for _, p := range worse[i].Proof {
			if p.Index >= 0 && p.Conn == c.abnormal.flow.ID && !p.At.Before(from) && !p.At.After(to) {
				return &worse[i]
			}
		}
	}
	return nil
}

// around are the times in the abnormal flow between which the first difference lies: its last row that both have, and its next one
// that ends a silence.
func (c *comparison) around() (from, to time.Time) {
	from, to = time.Unix(0, c.abnormal.flow.Start.At), time.Unix(0, c.abnormal.flow.End.At)
	last := -1
	for _, p := range c.lines[:c.first] {
		if p.a >= 0 {
			last = p.a
		}
	}
	rows := c.abnormal.rows
	if last >= 0 {
		from = time.Unix(0, rows[last].at)
	}
	for i := last + 1; i < len(rows); i++ {
		if rows[i].form != gap {
			return from, time.Unix(0, rows[i].at)
		}
	}
	return from, to
}

// comparedCauses writes the findings about both flows: those about the abnormal one with the difference among the proofs.
func (t *texter) comparedCauses(c *comparison) {
	first := c.cause()
	worse, info := above(c.abnormal.c.result(c.abnormal.index))
	for i := range worse[:min(len(worse), mostCauses)] {
		f := worse[i]
		if d, ok := c.firstDifference(); ok && first == &worse[i] {
			f.Proof = append(f.Proof[:len(f.Proof):len(f.Proof)], finding.Proof{Index: -1, Text: "the normal flow differs here: " + d.Normal})
		}
		t.blank()
		t.cause(c.abnormal.index, &f, true)
	}
	rest := append(codes(worse[min(len(worse), mostCauses):]), codes(info)...)
	if len(rest) > 0 {
		t.blank()
		t.hanging(usual, "  ", "abnormal, too: "+few(rest, 5))
	}
	if all := codes(c.normal.c.result(c.normal.index).Findings); len(all) > 0 {
		t.blank()
		t.hanging(usual, "  ", "normal: "+few(all, 5))
	}
}
