package compile

import "github.com/lunette-waf/lunette/internal/rules/match"

// common returns the patterns of the program that o.Common makes, in their order: the set of a program begins with them, so that it does not
// depend on rules that are left out, or kept, for what other directives say. With faults there are none: those of the program are told.
func common(o Options) []match.Pattern {
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
	return collect(kept, nil).list
}

// compilePatterns makes the set of all patterns.
func (b *builder) compilePatterns(p *Program, found *patterns) {
	if b.o.bare {
		p.Patterns = &match.Set{}
		return
	}
	set, errs := b.o.Patterns.New(found.list, b.o.Limits)
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

// views divides the patterns of rules by where they are looked for.
func views(rules []Rule, set *match.Set) Views {
	if set == nil || set.Len() == 0 { // of a bare program, or one with faults
		return Views{set, set, set}
	}
	request, response, derived := make(match.Bits, set.Words()), make(match.Bits, set.Words()), make(match.Bits, set.Words())
	for i := range rules {
		for r := &rules[i]; r != nil; r = r.Next {
			n := r.Operator.Pattern
			if n < 0 {
				continue
			}
			if r.Phase == 3 || r.Phase == 4 {
				response[n>>6] |= 1 << (n & 63)
			} else {
				request[n>>6] |= 1 << (n & 63)
			}
			if r.Chain != 0 && !set.Listed(int(n)) {
				derived[n>>6] |= 1 << (n & 63)
			}
		}
	}
	return Views{Request: set.Only(request), Response: set.Only(response), Derived: set.Only(derived)}
}
