package compile

import "github.com/lunette-waf/lunette/internal/rules/match"

// common returns the patterns of the program that o.Common makes, in their order: the set of a program begins with them, so that it does not
// depend on rules that are left out, or kept, for what other directives say. With faults there are none: those of the program are told.
func common(o Options) *patterns {
	if len(o.Common) == 0 {
		return nil
	}
	b := newBuilder(o)
	_, dropped := b.read(o.Common)
	if len(b.faults) > 0 {
		return nil
	}
	var kept []*draft
	for i, d := range b.rules {
		if !dropped[i] {
			kept = append(kept, d)
		}
	}
	return collect(kept, nil)
}

// compilePatterns makes the set of all patterns.
func (b *builder) compilePatterns(p *Program, found *patterns) {
	if b.o.bare {
		p.Patterns = &match.Set{}
		return
	}
	set, errs := b.o.Patterns.Base(found.list, b.o.Limits)
	for _, e := range errs {
		d := found.rule[e.Index]
		if d == nil { // of a rule that was taken out: nobody misses it
			found.list[e.Index] = match.Pattern{Kind: match.Words}
			continue
		}
		b.unreadable(d, e.Err)
	}
	if len(errs) > 0 && len(b.faults) == 0 {
		b.compilePatterns(p, found)
		return
	}
	p.Patterns = set
}

// views divides the patterns of a set by where they are looked for. Programs with one set have the same ones, whatever rules they leave out.
func (b *builder) views(found *patterns, set *match.Set) (out Views) {
	for in := range Places {
		out[in] = set
		if set == nil || set.Len() == 0 { // of a bare program, or one with faults
			continue
		}
		want := make(match.Bits, set.Words())
		for i, where := range found.where {
			if where>>in&1 != 0 && (in != InDerived || !set.Listed(i)) {
				want[i>>6] |= 1 << (i & 63)
			}
		}
		out[in] = b.o.Patterns.Only(set, want)
	}
	return out
}
