package transaction

import (
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/operator"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// onMatch notes that the member of the rule that runs matched s, which came of v, and runs its actions. v is nil for a SecAction.
func (w *work) onMatch(variable seclang.Variable, v *value, s string) {
	m := w.member
	w.lastVar = matched{variable: variable, value: s}
	if v != nil {
		w.lastVar.key = v.key
	}
	w.someMatched, w.looseVar, w.argOf = true, true, nil
	if w.spend(0); len(w.matched) >= maxMatched {
		panic(spent{"memory"})
	}
	w.matched = append(w.matched, w.lastVar)
	for i := range m.Do {
		w.do(&m.Do[i])
	}
	w.note(v)
}

// lastName is MATCHED_VAR_NAME: the name of the last value that matched, "" before there is one.
func (w *work) lastName() string {
	if !w.someMatched {
		return ""
	}
	return w.matchedName(&w.lastVar)
}

// matchedName is the name of what matched, as in MATCHED_VAR_NAME.
func (w *work) matchedName(m *matched) string {
	name := "UNKNOWN" // as Coraza calls what a SecAction matches
	if m.variable != seclang.VarNone {
		name = m.variable.String()
	}
	if m.key == "" {
		return name
	}
	at := len(w.buf)
	w.buf = append(append(append(w.buf, name...), ':'), m.key...)
	name = w.keep(w.buf[at:])
	w.buf = w.buf[:at]
	return name
}

// do runs one action.
func (w *work) do(d *compile.Do) {
	switch d.ID {
	case seclang.ActSetvar:
		w.setvar(d.Set)
	case seclang.ActCtl:
		w.ctl(d.Ctl)
	case seclang.ActInitcol, seclang.ActSetsid, seclang.ActSetuid, seclang.ActSetrsc:
		w.openRecord(d.Set.Collection, w.expand(d.Set.Value))
	case seclang.ActExpirevar:
		if r := w.records[recordOf(d.Set.Collection)]; r != nil && d.Set.Collection.Persistent() {
			if n, ok := numberOf(strings.TrimSpace(w.expand(d.Set.Value))); ok {
				r.Expire(w.setName(d.Set), time.Duration(n)*time.Second)
			}
		}
	case seclang.ActDeprecatevar:
		w.deprecate(d.Set)
	case seclang.ActSetenv:
		w.env = append(w.env, pair{name: w.hold(w.expand(d.Set.Name)), value: w.hold(w.expand(d.Set.Value))})
	}
}

// setName returns the name of the variable that s changes, in lower case.
func (w *work) setName(s *compile.Set) string { return w.lower(w.expand(s.Name)) }

func (w *work) deprecate(s *compile.Set) {
	n, ok := numberOf(w.expand(s.Value))
	if r := w.records[recordOf(s.Collection)]; r != nil && ok && s.Collection.Persistent() {
		r.Deprecate(w.setName(s), n, time.Duration(s.Number)*time.Second)
	}
}

func (w *work) setvar(s *compile.Set) {
	if s.Collection != seclang.VarTX {
		w.setRecord(s)
		return
	}
	slot, name := s.Slot, ""
	if slot < 0 {
		name = w.setName(s)
		if known, ok := w.plan.program.Slot(name); ok {
			slot = known
		} else if w.tx.find(name) < 0 {
			name = w.hold(name)
		}
	}
	switch s.Op {
	case compile.Remove:
		w.tx.remove(slot, name)
	case compile.Assign:
		if len(s.Value) == 1 && s.Value[0].Variable == seclang.VarNone {
			w.tx.put(slot, name, s.Value[0].Text)
		} else {
			w.tx.putLoose(slot, name, w.expand(s.Value))
		}
	default:
		sign := int64(1)
		if s.Op == compile.Subtract {
			sign = -1
		}
		n, text, ok := w.amount(s)
		switch {
		case ok:
			w.tx.change(slot, name, sign*n)
		case text != "":
			w.tx.putLoose(slot, name, text)
		}
	}
}

// amount returns what s adds. What is no number is set as text, sign and all, unless it is a macro that named nothing: so Coraza does.
func (w *work) amount(s *compile.Set) (n int64, text string, ok bool) {
	if s.Constant {
		return s.Number, "", true
	}
	v := w.expand(s.Value)
	if n, ok = numberOf(v); ok {
		return n, "", true
	}
	if strings.HasPrefix(v, "tx.") {
		return 0, "", false
	}
	if s.Op == compile.Subtract {
		return 0, "-" + v, false
	}
	return 0, "+" + v, false
}

// setRecord changes a variable of a persistent collection, if it is open. What it keeps is a copy.
func (w *work) setRecord(s *compile.Set) {
	r := w.records[recordOf(s.Collection)]
	if r == nil || !s.Collection.Persistent() {
		return
	}
	name := strings.Clone(w.setName(s))
	switch s.Op {
	case compile.Remove:
		r.Remove(name)
	case compile.Assign:
		r.Set(name, strings.Clone(w.expand(s.Value)))
	default:
		n, text, ok := w.amount(s)
		switch {
		case ok && s.Op == compile.Subtract:
			r.Add(name, -n)
		case ok:
			r.Add(name, n)
		case text != "":
			r.Set(name, strings.Clone(text))
		}
	}
}

func (w *work) ctl(c *compile.Ctl) {
	switch c.Option {
	case seclang.CtlRuleEngine:
		w.engineMode = c.Mode
		if w.engine.cfg.Detect && c.Mode == seclang.ModeOn {
			w.engineMode = seclang.ModeDetectionOnly // no rule makes a site block that is told not to
		}
	case seclang.CtlRuleRemoveByID, seclang.CtlRuleRemoveByTag, seclang.CtlRuleRemoveByMsg:
		for i := range min(len(c.Rules), len(w.removed)) {
			w.removed[i] |= c.Rules[i]
		}
	case seclang.CtlRuleRemoveTargetByID, seclang.CtlRuleRemoveTargetByTag, seclang.CtlRuleRemoveTargetByMsg:
		if c.Target != nil {
			w.untargets = append(w.untargets, &untarget{c.Rules, c.Target})
		}
	case seclang.CtlAuditEngine, seclang.CtlAuditLogParts:
		w.ctlAudit(c)
	case seclang.CtlRequestBodyAccess:
		if w.phase <= 1 {
			w.bodyAccess = c.Mode == seclang.ModeOn
		}
	case seclang.CtlRequestBodyLimit:
		if w.phase <= 1 {
			w.bodyLimit = c.Number
		}
	case seclang.CtlRequestBodyProcessor:
		if w.phase <= 1 {
			w.set(seclang.VarReqbodyProcessor, c.Value)
		}
	case seclang.CtlResponseBodyAccess:
		if w.phase <= 3 {
			w.replyAccess = c.Mode == seclang.ModeOn
		}
	case seclang.CtlParseXMLIntoArgs:
		if w.phase <= 1 {
			w.xmlArgs = c.Mode
		}
	case seclang.CtlResponseBodyLimit:
		if w.phase <= 3 {
			w.replyLimit = c.Number
		}
	case seclang.CtlResponseBodyProcessor:
		if w.phase <= 3 {
			w.set(seclang.VarResBodyProcessor, c.Value)
		}
	}
}

// Bounds of what operators capture: @rx fills TX:0 to TX:8, as in Coraza, others up to TX:9.
const rxCaptures = 9

// nearCaptures is how many bytes of a long value are looked at for what the record shows of a match.
const nearCaptures = 256

// capturePattern sets TX:0 … to what pattern i captures in s.
func (w *work) capturePattern(i int32, s string) {
	if w.member.Operator.Text == "^.*$" && w.member.Operator.ID == seclang.OpRx { // all of it, as often in CRS: no need to look
		w.setCapture(0, s)
		return
	}
	w.spend(len(s))
	if w.member.NeedsCaptures || w.engine.cfg.Trace != nil {
		w.find = w.plan.set.Find(&w.scratch[0], int(i), s, w.find[:0])
	} else { // only the record shows it
		if w.find = w.plan.set.FindNear(&w.scratch[0], int(i), s, nearCaptures, w.find[:0]); len(w.find) == 0 {
			w.setCapture(0, "") // better nothing than what another rule has found
		}
	}
	limit := captures
	if w.member.Operator.ID == seclang.OpRx {
		limit = rxCaptures
	}
	for k := 0; 2*k+1 < len(w.find) && k < limit; k++ {
		t := ""
		if from := w.find[2*k]; from >= 0 {
			t = s[from:w.find[2*k+1]]
		}
		w.setCapture(k, t)
	}
}

func (w *work) setCapture(k int, s string) {
	if k < len(w.tx.slots) {
		w.tx.slots[k] = txValue{s: s, state: isString, loose: true}
	}
}

// setCaptures sets TX:0 … to what an operator captured, or ARGS_PATH where its captures have names.
func (w *work) setCaptures(o operator.Operator) {
	if named, ok := o.(operator.Named); ok {
		names := named.Names()
		w.markFilled(seclang.VarArgsPath)
		for i, s := range w.captured {
			if i < len(names) {
				w.add(seclang.VarArgsPath, names[i], w.hold(s))
			}
		}
		return
	}
	for i, s := range w.captured {
		if i < captures {
			w.setCapture(i, s)
		}
	}
}

// complete does what follows when a rule and all of its chain matched.
func (w *work) complete(r *compile.Rule) {
	if r.Severity >= 0 && int(r.Severity) < w.severity {
		w.severity = int(r.Severity)
	}
	decides := false
	switch r.Disrupt {
	case compile.Pass:
	case compile.Allow, compile.AllowPhase, compile.AllowRequest:
		if w.engineMode == seclang.ModeOn {
			w.allow = r.Disrupt
		}
	default:
		decides = w.end(r)
	}
	w.keepMatch(r, decides)
	if w.engine.cfg.Trace != nil {
		w.trace(r)
	}
}

// trace tells of what r matched.
func (w *work) trace(r *compile.Rule) {
	list := make([]Matched, len(w.matched))
	for i, m := range w.matched {
		list[i] = Matched{Variable: "UNKNOWN", Key: m.key, Value: m.value}
		if m.variable != seclang.VarNone {
			list[i].Variable = m.variable.String()
		}
	}
	w.engine.cfg.Trace(r.ID, list)
}

// ending is how a rule ends the exchange, or would.
type ending struct {
	rule     *compile.Rule // nil: none does
	status   int
	location string // of a redirect
	phase    uint8
}

// end ends the exchange by r, or notes that it would, and reports whether r is the one that decided.
func (w *work) end(r *compile.Rule) bool {
	e := ending{rule: r, status: r.Status, phase: w.phase}
	switch r.Disrupt {
	case compile.Redirect:
		e.location = strings.Clone(w.expand(r.Redirect))
		if e.status < 300 || e.status > 399 {
			e.status = 302
		}
	case compile.Deny:
		if e.status == 0 {
			e.status = 403
		}
	}
	switch {
	case w.engineMode == seclang.ModeOn && w.ended.rule == nil:
		w.ended = e
	case w.engineMode == seclang.ModeDetectionOnly && w.wouldEnd.rule == nil:
		w.wouldEnd = e
	default:
		return false
	}
	return true
}

func severityName(s int8) string {
	names := [...]string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}
	if s < 0 || int(s) >= len(names) {
		return ""
	}
	return names[s]
}
