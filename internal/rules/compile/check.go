package compile

import (
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Check looks for what is wrong with directives of which some have gaps (see [seclang.Directive].Gap) or may not stand here, so that its faults can be
// told together with those that are known: of rules that are whole, and of what is there of the others. What a gap may hold is not missed, and
// that ids are taken twice is for the caller to say.
func Check(list []seclang.Directive, o Options) []seclang.Fault {
	if o.Patterns == nil {
		o.Patterns = match.NewCache()
	}
	b := newBuilder(o)
	b.checks = true
	for i := range list {
		b.hidden.rules = b.hidden.rules || list[i].HidesRules()
		b.hidden.sets = b.hidden.sets || list[i].HidesDatasets()
	}
	for i := range list {
		b.add(&list[i])
	}
	for _, d := range b.every { // those that others take out too
		b.build(d, 0)
		b.checkPatterns(d)
	}
	inOrder(b.faults)
	return b.faults
}

// hidden says what may stand in the gaps of directives.
type hidden struct{ rules, sets bool }

// checkPatterns finds faults in the expressions of a chain that are not compiled.
func (b *builder) checkPatterns(d *draft) {
	for m := d; m != nil; m = m.next {
		if m.pattern == nil || m.pattern.Kind != match.Regexp {
			continue
		}
		if err := b.o.Patterns.Check(m.pattern.Expr); err != nil {
			b.unreadable(m, err)
		}
	}
}

// checkRemoved finds faults in rules that other directives take out: they are not ignored. The rules are built apart, so that nothing of them
// comes into the program.
func (b *builder) checkRemoved() {
	apart := newBuilder(b.o)
	for _, d := range b.every {
		if d.rule == nil && !ours(d.File) {
			apart.build(d, 0)
			apart.checkPatterns(d)
			clear(d)
		}
	}
	b.faults = append(b.faults, apart.faults...)
}

// clear takes what was built for a chain away again.
func clear(d *draft) {
	for m := d; m != nil; m = m.next {
		m.rule, m.pattern = nil, nil
	}
}
