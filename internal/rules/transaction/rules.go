package transaction

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/operator"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// matched is a value that the rule that runs, or a member of its chain, matched.
type matched struct {
	variable seclang.Variable // VarNone of a SecAction
	key      string
	value    string
}

// logging is the phase that runs whatever came before.
const logging = 5

// runPhase runs the rules of a phase in their order.
func (w *work) runPhase(n uint8) {
	ph := &w.plan.phases[n]
	if len(ph.Rules) == 0 {
		w.endPhase(n)
		return
	}
	awake := w.awake[:ph.words]
	clear(awake)
	copy(awake, ph.Plan.Always)
	clear(w.first[:len(ph.Rules)])
	clear(w.last[:len(ph.Rules)])
	w.hits = w.hits[:0]
	if w.runs(n) {
		w.scan(ph)
	}
	for pos := next(awake, 0); pos >= 0 && w.runs(n); {
		index := ph.Rules[pos]
		goOn := pos + 1
		if !has(w.removed, index) {
			r := &w.plan.program.Rules[index]
			w.spend(0)
			if w.runRule(r, index, int32(pos)) { //nolint:gosec // a position
				goOn = w.follow(ph, r, pos)
			}
		}
		pos = next(awake, goOn)
	}
	w.endPhase(n)
}

// runs reports whether rules of phase n may still run.
func (w *work) runs(n uint8) bool {
	if n == logging {
		return true
	}
	switch w.allow {
	case compile.Allow, compile.AllowPhase:
		return false
	case compile.AllowRequest:
		return n > 2
	}
	return w.ended.rule == nil
}

func (w *work) endPhase(n uint8) {
	if w.allow == compile.AllowPhase || w.allow == compile.AllowRequest && n >= 2 {
		w.allow = compile.Pass
	}
}

// follow returns the position to go on at after the rule at pos has matched.
func (w *work) follow(ph *phase, r *compile.Rule, pos int) int {
	if r.SkipTo >= 0 {
		return max(int(r.SkipTo), pos+1)
	}
	goOn := pos + 1
	for left := r.Skip; left > 0 && goOn < len(ph.Rules); goOn++ {
		if !has(w.removed, ph.Rules[goOn]) {
			left--
		}
	}
	return goOn
}

// runRule runs a rule with its chain and reports whether all of it matched.
func (w *work) runRule(r *compile.Rule, index, pos int32) bool {
	w.rule, w.matched = r, w.matched[:0]
	w.record.begin()
	for m := r; m != nil; m = m.Next {
		w.member = m
		n := 0
		switch {
		case len(m.Targets) == 0:
			n = 1
			w.onMatch(seclang.VarNone, nil, "")
		case m == r && w.first[pos] != 0:
			n = w.runHits(m, index, pos)
		default:
			n = w.runMember(m, index)
		}
		if n == 0 {
			return false
		}
	}
	w.member = r
	w.complete(r)
	return true
}

// runHits takes the values in which the pattern of m was found before the phase began, target by target.
func (w *work) runHits(m *compile.Rule, index, pos int32) (n int) {
	for i := range m.Targets {
		t := &m.Targets[i]
		of, k := parts(t.Variable)
		for _, v := range of[:k] {
			for h := w.first[pos]; h != 0; {
				x := &w.hits[h-1]
				h = x.next
				if x.variable != v {
					continue
				}
				val := &w.vars[v][x.index]
				if !w.takes(t, val.key) || len(w.untargets) > 0 && w.untaken(index, t, val.key) {
					continue
				}
				s := x.text.s
				if m.Capture && w.captures(m) {
					w.capturePattern(m.Operator.Pattern, s)
				}
				w.onMatch(t.Variable, val, s)
				n++
			}
		}
	}
	return n
}

// runMember tests all values of all targets of m.
func (w *work) runMember(m *compile.Rule, index int32) (n int) {
	for i := range m.Targets {
		t := &m.Targets[i]
		switch {
		case t.Count:
			c := value{key: t.Key, text: text{s: strconv.Itoa(w.count(t, index))}}
			n += w.try(m, t, &c)
		case volatile(t.Variable):
			list := w.gather(t)
			for j := range list {
				if w.takes(t, list[j].key) && !w.untaken(index, t, list[j].key) {
					n += w.try(m, t, &list[j])
				}
			}
		default:
			of, k := parts(t.Variable)
			for _, v := range of[:k] {
				list := w.values(v)
				for j := range list {
					if w.takes(t, list[j].key) && !w.untaken(index, t, list[j].key) {
						n += w.try(m, t, &list[j])
					}
				}
			}
		}
	}
	return n
}

// count returns how many values t has.
func (w *work) count(t *compile.Target, index int32) (n int) {
	if t.Variable == seclang.VarTX && t.Slot >= 0 && len(t.Except) == 0 && len(w.untargets) == 0 {
		if w.tx.slots[t.Slot].state != isAbsent {
			return 1
		}
		return 0
	}
	one := func(list []value) {
		for j := range list {
			if w.takes(t, list[j].key) && !w.untaken(index, t, list[j].key) {
				n++
			}
		}
	}
	if volatile(t.Variable) {
		one(w.gather(t))
		return n
	}
	of, k := parts(t.Variable)
	for _, v := range of[:k] {
		one(w.values(v))
	}
	return n
}

// try tests one value and returns how often it matched, which with multiMatch may be more than once.
func (w *work) try(m *compile.Rule, t *compile.Target, v *value) (n int) {
	if m.MultiMatch {
		return w.tryEach(m, t, v)
	}
	x := w.after(v, m.Chain)
	if w.test(m, x) == m.Operator.Negated {
		return 0
	}
	w.onMatch(t.Variable, v, x.s)
	return 1
}

// tryEach tests v and whatever each step of the chain changed.
func (w *work) tryEach(m *compile.Rule, t *compile.Target, v *value) (n int) {
	var path [32]int32
	k := 0
	for c := m.Chain; c != 0 && k < len(path); c = w.plan.chains[c].Parent {
		path[k] = c
		k++
	}
	x := &v.text
	for {
		if w.test(m, x) != m.Operator.Negated {
			w.onMatch(t.Variable, v, x.s)
			n++
		}
		last := x
		for x == last && k > 0 {
			k--
			x = w.after(v, path[k])
		}
		if x == last {
			return n
		}
	}
}

// test runs the operator of m, its negation aside, and captures.
func (w *work) test(m *compile.Rule, t *text) bool {
	o := &m.Operator
	switch {
	case o.Pattern >= 0:
		if !w.matches(t, o.Pattern) {
			return false
		}
		if m.Capture && w.captures(m) {
			w.capturePattern(o.Pattern, t.s)
		}
		return true
	case o.Macro != nil:
		w.spend(len(t.s))
		return operator.Compare(o.ID, t.s, w.expand(o.Macro))
	case o.Test != nil:
		return w.testOperator(m, t)
	}
	return o.ID == seclang.OpAlways || o.ID == seclang.OpUnconditionalMatch
}

// testOperator runs an operator that is no pattern. The costly ones are asked once for each text.
func (w *work) testOperator(m *compile.Rule, t *text) bool {
	o := &m.Operator
	var known *tried
	switch o.ID {
	case seclang.OpDetectSQLi:
		known = &t.sqli
	case seclang.OpDetectXSS:
		known = &t.xss
	}
	if known != nil && (*known == missed || *known == matchedText && !m.Capture) {
		return *known == matchedText
	}
	w.spend(len(t.s))
	var into *[]string
	if m.Capture && w.captures(m) {
		w.captured = w.captured[:0]
		into = &w.captured
	}
	found := o.Test.Match(t.s, into)
	if known != nil {
		*known = missed
		if found {
			*known = matchedText
		}
	}
	if found && into != nil {
		w.setCaptures(o.Test)
	}
	return found
}

// captures reports whether somebody will look at what m captures.
func (w *work) captures(m *compile.Rule) bool {
	return m.NeedsCaptures || m.CapturesInRecord && w.record.room()
}
