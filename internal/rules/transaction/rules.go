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
	if len(ph.rules) == 0 {
		w.endPhase(n)
		return
	}
	awake := w.awake[:ph.words]
	clear(awake)
	copy(awake, ph.always)
	clear(w.first[:len(ph.rules)])
	clear(w.last[:len(ph.rules)])
	w.hits = w.hits[:0]
	if w.runs(n) {
		w.scan(ph)
	}
	for pos := next(awake, 0); pos >= 0 && w.runs(n); {
		index := ph.rules[pos]
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
	w.release()
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
	for left := r.Skip; left > 0 && goOn < len(ph.rules); goOn++ {
		if !has(w.removed, ph.rules[goOn]) {
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
		w.member, w.inForce, w.argOf = m, len(w.untargets), nil // what a rule takes out of targets it takes from those behind it
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
				if w.heavy() {
					w.shed()
				}
				h = x.next
				if x.variable != v {
					continue
				}
				val := &w.vars[v][x.index]
				if !w.admits(t, index, val.key) {
					continue
				}
				if m.MultiMatch {
					n += w.tryEach(m, t, val)
					continue
				}
				if m.Capture {
					w.capture(m, x.text.s)
				}
				w.onMatch(t.Variable, val, x.text.s)
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
			w.counted = value{key: t.Key + t.Text, text: text{s: strconv.Itoa(w.count(t, index))}}
			n += w.tryCount(m, t)
		case volatile(t.Variable):
			n += w.tryAll(m, t, index, w.gather(t))
		default:
			of, k := parts(t.Variable)
			for _, v := range of[:k] {
				n += w.tryAll(m, t, index, w.values(v))
			}
		}
	}
	return n
}

// tryCount tests the number in w.counted.
func (w *work) tryCount(m *compile.Rule, t *compile.Target) int {
	if m.MultiMatch {
		return w.tryEach(m, t, &w.counted)
	}
	x := w.after(&w.counted, m.Chain)
	found := w.test(m, x)
	if found == m.Operator.Negated {
		return 0
	}
	if found && m.Capture {
		w.capture(m, x.s)
	}
	w.onMatch(t.Variable, &w.counted, x.s)
	return 1
}

// tryAll tests those values of list that t takes, and returns how often they matched.
func (w *work) tryAll(m *compile.Rule, t *compile.Target, index int32, list []value) (n int) {
	only := t.Key
	if t.Regexp != nil {
		only = ""
	}
	for j := range list {
		v := &list[j]
		if w.heavy() {
			w.shed()
		}
		switch {
		case only != "" && !equalKey(only, v.key):
		case m.MultiMatch:
			if w.admits(t, index, v.key) {
				n += w.tryEach(m, t, v)
			}
		default:
			x := w.after(v, m.Chain)
			found := w.test(m, x)
			if found == m.Operator.Negated || !w.admits(t, index, v.key) {
				continue // few values match, so what a key has to be is looked at last
			}
			if found && m.Capture {
				w.capture(m, x.s)
			}
			w.onMatch(t.Variable, v, x.s)
			n++
		}
	}
	return n
}

// admits reports whether t takes values with this key, and no ctl took them out.
func (w *work) admits(t *compile.Target, index int32, key string) bool {
	return w.takes(t, key) && (w.inForce == 0 || !w.untaken(index, t, key))
}

// count returns how many values t has.
func (w *work) count(t *compile.Target, index int32) (n int) {
	if t.Variable == seclang.VarTX && t.Slot >= 0 && len(t.Except) == 0 && w.inForce == 0 {
		if w.tx.slots[t.Slot].state != isAbsent {
			return 1
		}
		return 0
	}
	if volatile(t.Variable) {
		return w.countIn(t, index, w.gather(t))
	}
	of, k := parts(t.Variable)
	for _, v := range of[:k] {
		n += w.countIn(t, index, w.values(v))
	}
	return n
}

func (w *work) countIn(t *compile.Target, index int32, list []value) (n int) {
	for j := range list {
		if w.admits(t, index, list[j].key) {
			n++
		}
	}
	return n
}

// tryEach tests v and whatever each step of the chain changed.
func (w *work) tryEach(m *compile.Rule, t *compile.Target, v *value) (n int) {
	var path [32]int32
	k := 0
	if w.classOf(&v.text)&w.plan.chains[m.Chain].Touches != 0 {
		for c := m.Chain; c != 0 && k < len(path); c = w.plan.chains[c].Parent {
			path[k] = c
			k++
		}
	}
	x := &v.text
	for {
		if found := w.test(m, x); found != m.Operator.Negated {
			if found && m.Capture {
				w.capture(m, x.s)
			}
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

// test runs the operator of m, its negation aside. What it captures is left to capture.
func (w *work) test(m *compile.Rule, t *text) bool {
	o := &m.Operator
	switch {
	case o.Pattern >= 0:
		return w.matches(t, o.Pattern)
	case o.Macro != nil:
		w.spend(len(t.s))
		if w.argOf != o { // nothing that it names changes before a value matches
			w.arg, w.argOf = w.expand(o.Macro), o
		}
		return operator.Compare(o.ID, t.s, w.arg)
	case o.Test != nil:
		return w.testOperator(m, t)
	}
	return o.ID == seclang.OpAlways || o.ID == seclang.OpUnconditionalMatch
}

// capture sets TX:0 … to what the operator of m, which has just matched s, captures, if somebody will look at them.
func (w *work) capture(m *compile.Rule, s string) {
	w.argOf = nil
	switch {
	case !w.captures(m):
	case m.Operator.Pattern >= 0 && !m.NeedsCaptures && w.shown+len(s) > shownBytes:
		for k := range captures {
			w.setCapture(k, "")
		}
	case m.Operator.Pattern >= 0:
		if !m.NeedsCaptures {
			w.shown += len(s)
		}
		w.capturePattern(m.Operator.Pattern, s)
	case m.Operator.Test != nil:
		w.setCaptures(m.Operator.Test)
	}
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
	return found
}

// captures reports whether somebody will look at what m captures.
func (w *work) captures(m *compile.Rule) bool {
	return m.NeedsCaptures || m.CapturesInRecord && w.detailed()
}

// shownBytes is how many bytes of values are searched, in all, for captures that nothing but the record shows: to find what a
// group holds costs much more than to know that it is there, and an attacker decides how often.
const shownBytes = 16 << 10
