package compile

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/operator"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// folder walks the rules of all phases once, in their order, with what is certain about TX variables, and decides which rules can be left
// out: those that never match, those behind a skipAfter that always happens, and those whose whole effect is TX variables that
// can as well be there from the start. A rule that records something always stays.
//
// It is sound because states only ever join: wherever two ways meet, what they disagree on is unsure, and a rule on which a ctl of another
// rule may act is taken to run or not.
type folder struct {
	space
	rules   []*draft
	chains  []Chain
	given   map[int32]bool
	start   state
	entry   [Phases]state
	dropped []bool // by index in rules

	removals []removal // what ctl may do
	stale    bool      // a rule reads MATCHED_VAR and its like before it matches itself
	severity bool      // a rule reads HIGHEST_SEVERITY
}

// removal is a ctl that takes out rules, or targets of them. It is in rule by.
type removal struct {
	by     int
	rules  []uint64
	target *Target // nil: the rules whole
}

// walk is the way through one phase.
type walk struct {
	*folder
	phase  int
	at     []int   // the phase's rules: indexes in folder.rules
	arrive []state // by position; the last is the end of the phase
	floor  state   // reaches every later position: a skip whose end is not known here
	gates  []gate

	// In phase 1, until something may leave the way:
	ended   bool  // a rule may have ended the phase, or the exchange
	jump    int32 // rules before this position may have been skipped
	touched []bool
	all     bool // a rule before reads TX as a whole
}

// gate is a rule that always skips, and has no other effect.
type gate struct{ from, to int }

// fold decides which rules can be left out, and adds what they would have set to start.
func (f *folder) fold(phases [Phases][]int) {
	f.dropped = make([]bool, len(f.rules))
	f.survey()
	for n := 1; n < Phases; n++ {
		in := f.entry[n]
		if n == 1 {
			in = f.start
		}
		w := &walk{folder: f, phase: n, at: phases[n], arrive: make([]state, len(phases[n])+1), touched: make([]bool, len(f.names))}
		w.arrive[0] = in
		w.run()
	}
}

// survey finds what one rule may do to others, in all rules.
func (f *folder) survey() {
	for i, d := range f.rules {
		for m := d; m != nil; m = m.next {
			for _, do := range m.rule.Do {
				if do.Ctl != nil && removes(do.Ctl.Option) {
					f.removals = append(f.removals, removal{i, do.Ctl.Rules, do.Ctl.Target})
				}
			}
			f.severity = f.severity || reads(m.rule, seclang.VarHighestSeverity)
		}
		f.stale = f.stale || readsStale(d.rule)
	}
}

// reads reports whether a rule looks at v, in targets or macros.
func reads(r *Rule, v seclang.Variable) bool {
	if slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Variable == v }) {
		return true
	}
	found := false
	eachMacro(r, func(m Macro, _ bool) {
		found = found || slices.ContainsFunc(m, func(p Part) bool { return p.Variable == v })
	})
	return found
}

// readsStale reports whether the first rule of a chain reads what an earlier match left.
func readsStale(r *Rule) bool {
	old := func(v seclang.Variable) bool {
		return v == seclang.VarMatchedVar || v == seclang.VarMatchedVarName || v == seclang.VarMatchedVars || v == seclang.VarMatchedVarsNames
	}
	return slices.ContainsFunc(r.Targets, func(t Target) bool { return old(t.Variable) }) ||
		slices.ContainsFunc(r.Operator.Macro, func(p Part) bool { return old(p.Variable) })
}

// eachMacro calls f with all macros of one member; record says that it is only for the record.
func eachMacro(r *Rule, f func(m Macro, record bool)) {
	f(r.Operator.Macro, false)
	f(r.Redirect, false)
	for _, d := range r.Do {
		if d.Set != nil {
			f(d.Set.Name, false)
			f(d.Set.Value, false)
		}
	}
	f(r.Msg, true)
	f(r.LogData, true)
}

// run walks the phase and hands what is known at its ends to the later ones.
func (w *walk) run() {
	for pos := range w.at {
		cur := w.join(w.arrive[pos], w.floor)
		if cur == nil {
			w.dropped[w.at[pos]] = true
			continue
		}
		w.arrive[pos] = cur
		w.rule(pos, cur)
	}
	end := len(w.at)
	w.leave(w.join(w.arrive[end], w.floor), w.phase+1)
	for _, g := range w.gates {
		if w.floor == nil && !slices.ContainsFunc(w.arrive[g.from+1:g.to], func(s state) bool { return s != nil }) {
			w.dropped[w.at[g.from]] = true
		}
	}
}

// leave joins s into what is known at the start of phases from on.
func (f *folder) leave(s state, from int) {
	for n := from; n < Phases; n++ {
		f.entry[n] = f.join(f.entry[n], s)
	}
}

// rule walks over one rule, or chain.
func (w *walk) rule(pos int, cur state) {
	i := w.at[pos]
	d := w.rules[i]
	if w.floor != nil { // it may be one of those that a skip counts
		w.stay(pos, d, cur, false)
		return
	}
	answer, times := w.try(i, d.rule, cur)
	if answer == never || w.broken(i, d, cur) {
		w.dropped[i] = true
		w.pass(pos+1, cur)
		return
	}
	if answer == always && (w.removable(i) || d.rule.Next != nil) {
		to := int(d.rule.SkipTo)
		if d.rule.Next != nil || !w.quiet(d.rule) || len(d.rule.Do) > 0 || to < 0 || !w.removedTogether(pos, to) {
			answer = perhaps
		}
	}
	if answer == always && w.quiet(d.rule) && w.decide(pos, d.rule, cur, times) {
		return
	}
	w.stay(pos, d, cur, answer == always && times == 1)
}

// pass lets s arrive at pos.
func (w *walk) pass(pos int, s state) { w.arrive[pos] = w.join(w.arrive[pos], s) }

// quiet reports whether a match of r is seen by nobody: it has no part in the record or the verdict, and leaves nothing behind but what
// its actions set.
func (w *walk) quiet(r *Rule) bool {
	return !r.Log && !r.Audit && !r.Capture && r.Disrupt == Pass && r.Skip == 0 && r.Next == nil && !w.stale &&
		(r.Severity < 0 || !w.severity)
}

// decide leaves out a quiet rule that always matches, where its effect allows; it reports whether it walked over the rule.
func (w *walk) decide(pos int, r *Rule, cur state, times int) bool {
	if len(r.Do) == 0 {
		if r.SkipTo < 0 {
			w.dropped[w.at[pos]] = true
			w.pass(pos+1, cur)
			return true
		}
		w.gates = append(w.gates, gate{pos, int(r.SkipTo)})
		w.pass(int(r.SkipTo), cur)
		w.jump = max(w.jump, r.SkipTo)
		return true
	}
	if r.SkipTo >= 0 || times != 1 || !w.hoistable(pos, r, cur) {
		return false
	}
	w.dropped[w.at[pos]] = true
	next := w.once(cur, r.Do)
	for _, do := range r.Do {
		w.start = w.start.with(do.Set.Slot, next.at(do.Set.Slot))
	}
	w.pass(pos+1, next)
	return true
}

// hoistable reports whether what r sets can as well be set before the first rule: nothing before may lead round r, nor read or write it.
func (w *walk) hoistable(pos int, r *Rule, cur state) bool {
	if w.phase != 1 || w.ended || int32(pos) < w.jump || w.all {
		return false
	}
	next := w.once(cur, r.Do)
	for _, do := range r.Do {
		if do.ID != seclang.ActSetvar || do.Set.Collection != seclang.VarTX || do.Set.Slot < captures {
			return false
		}
		s := do.Set.Slot
		if w.touched[s] || w.given[s] || next.at(s).know != exact && next.at(s).know != absent {
			return false
		}
	}
	return true
}

// stay walks over a rule that remains.
func (w *walk) stay(pos int, d *draft, cur state, once bool) {
	after := cur
	for m := d; m != nil; m = m.next {
		inside := w.maybe(after, m.rule.Do)
		w.fill(m, inside)
		w.touch(m.rule)
		after = inside
	}
	if once && d.next == nil {
		after = w.once(cur, d.rule.Do)
	}
	r := d.rule
	w.pass(pos+1, after)
	if r.SkipTo >= 0 {
		w.pass(int(r.SkipTo), after)
		w.jump = max(w.jump, r.SkipTo)
	}
	if r.Skip > 0 {
		w.floor = w.join(w.floor, after)
		w.ended = true
	}
	switch r.Disrupt {
	case Pass:
		return
	case AllowPhase:
		w.leave(after, w.phase+1)
	case AllowRequest:
		w.leave(after, max(w.phase+1, 3))
	default:
		w.leave(after, 5)
	}
	w.ended = true
}

// touch notes which slots a rule that remains reads or writes.
func (w *walk) touch(r *Rule) {
	mark := func(v seclang.Variable, slot int32) {
		if v != seclang.VarTX {
			return
		}
		if slot < 0 {
			w.all = true
			return
		}
		w.touched[slot] = true
	}
	for _, t := range r.Targets {
		mark(t.Variable, t.Slot)
	}
	eachMacro(r, func(m Macro, _ bool) {
		for _, p := range m {
			mark(p.Variable, p.Slot)
		}
	})
	for _, d := range r.Do {
		if d.Set != nil && d.Set.Collection == seclang.VarTX {
			mark(seclang.VarTX, d.Set.Slot)
		}
	}
}

// fill puts what is known into the macros that decide something.
func (w *walk) fill(m *draft, s state) {
	r := m.rule
	if text, ok := s.expand(r.Operator.Macro); ok && len(r.Operator.Macro) > 0 {
		if test, err := operator.New(nil, "", r.Operator.ID, text); err == nil {
			r.Operator.Test, r.Operator.Macro = test, nil
		}
	}
	for i, d := range r.Do {
		if d.ID != seclang.ActSetvar || d.Set.Constant || d.Set.Op != Add && d.Set.Op != Subtract {
			continue
		}
		text, ok := s.expand(d.Set.Value)
		if n, valid := integer(text); ok && valid {
			set := *d.Set
			set.Number, set.Constant = n, true
			r.Do[i].Set = &set
		}
	}
}

// integer reads what rules write as a number: digits and perhaps a sign.
func integer(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n := int64(number(digits))
	if digits != s {
		n = -n
	}
	return n, true
}

// reaches reports whether ctl r may have run when rule i is looked at, and names it.
func (f *folder) reaches(r removal, i int) bool {
	by, d := f.rules[r.by], f.rules[i]
	return hasBit(r.rules, i) && !f.dropped[r.by] && (by.phase < d.phase || by.phase == d.phase && r.by < i)
}

// removable reports whether a ctl of some rule can take out rule i.
func (f *folder) removable(i int) bool {
	return slices.ContainsFunc(f.removals, func(r removal) bool { return r.target == nil && f.reaches(r, i) })
}

// removedTogether reports whether every ctl that can take out the rule at from takes out all up to to as well: then
// it does not matter whether the skip happens.
func (w *walk) removedTogether(from, to int) bool {
	for _, r := range w.removals {
		if r.target != nil || !w.reaches(r, w.at[from]) {
			continue
		}
		for _, i := range w.at[from+1 : to] {
			if !hasBit(r.rules, i) {
				return false
			}
		}
	}
	return true
}
