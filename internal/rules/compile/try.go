package compile

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/rules/operator"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// broken reports whether a later member of a chain never matches, so that nothing ever happens.
func (w *walk) broken(i int, d *draft, cur state) bool {
	for m := d; m.next != nil && !w.stale; m = m.next {
		if len(m.rule.Do) > 0 || m.rule.Capture || m.rule.Operator.ID == seclang.OpGeoLookup {
			return false
		}
		if answer, _ := w.try(i, m.next.rule, cur); answer == never {
			return true
		}
	}
	return false
}

// answer is what is certain about a rule's test.
type answer uint8

const (
	perhaps answer = iota
	never
	always
)

// try runs the test of one member of chain i on what is known; times is how many values match, of always.
func (f *folder) try(i int, r *Rule, s state) (a answer, times int) {
	if r.Operator.ID == seclang.OpAlways {
		return always, 1
	}
	if r.MultiMatch || len(r.Targets) > 1 && len(r.Do) > 0 {
		return perhaps, 0
	}
	for _, x := range f.removals {
		if x.target != nil && x.target.Variable == seclang.VarTX && f.reaches(x, i) {
			return perhaps, 0
		}
	}
	if !slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Count || !t.empty() }) {
		return never, 0
	}
	match, ok := f.matcher(r, s)
	if !ok {
		return perhaps, 0
	}
	for _, t := range r.Targets {
		value, there, ok := f.value(t, s)
		if !ok {
			return perhaps, 0
		}
		if there && match(value) {
			times++
		}
	}
	if times > 0 {
		return always, times
	}
	return never, 0
}

// value is what target t holds; ok is false where that is not certain.
func (f *folder) value(t Target, s state) (value string, there, ok bool) {
	if t.Variable != seclang.VarTX || t.Slot < captures || len(t.Except) > 0 {
		return "", false, false
	}
	c := s.at(t.Slot)
	if t.Count {
		if c.know == absent {
			return "0", true, true
		}
		return "1", true, c.know != unsure
	}
	return c.value, c.know == exact, c.know == exact || c.know == absent
}

// matcher returns the test of r, transformations and negation in it; ok is false where it cannot be run now.
func (f *folder) matcher(r *Rule, s state) (match func(string) bool, ok bool) {
	op := r.Operator
	argument, known := s.expand(op.Macro)
	if !known || len(op.Macro) == 0 && op.Test == nil {
		return nil, false
	}
	steps := f.chains[r.Chain].Steps
	return func(value string) bool {
		var a transform.Arena
		var captured []string
		for _, id := range steps {
			value, _ = transform.Apply(&a, id, value)
		}
		if len(op.Macro) > 0 {
			return operator.Compare(op.ID, value, argument) != op.Negated
		}
		return op.Test.Match(value, &captured) != op.Negated
	}, true
}
