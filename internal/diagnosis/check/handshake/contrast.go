package handshake

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// again reports whether o met the same refusal, by the same means.
func (r *refusal) again(o *check.Flow) bool {
	s, ok := refused(o)
	return ok && s.how == r.how && s.alert == r.alert && (s.how != fact.Silence || s.waited(o) >= patience)
}

// contrast counts the hellos that have what is in question and were refused as r was, and those that are answered without it. What worked
// says whether an answered hello differs in that alone.
func (r *refusal) contrast(c *check.Case, has func(*fact.ClientHello, *fact.Fact) bool, worked func(*check.Flow, *fact.ClientHello) bool) check.Contrast {
	return c.Contrast(func(o *check.Flow) check.Bearing {
		h, at := o.Hello()
		switch {
		case h == nil:
			return check.Aside
		case has(h, &o.Facts[at]) && r.again(o):
			return check.Failed
		case has(h, &o.Facts[at]) && o.Has(fact.TLSServerHello):
			return check.Against
		case o.Has(fact.TLSServerHello) && worked(o, h):
			return check.Worked
		}
		return check.Aside
	})
}

// same reports whether h is the refused hello once more.
func (r *refusal) same(h *fact.ClientHello, _ *fact.Fact) bool {
	return h.ServerName == r.hello.ServerName && alike(r.hello, h)
}
