package transaction

import (
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// untarget is what a ctl took out of targets for the rest of the exchange.
type untarget struct {
	rules  []uint64
	target *compile.Target
}

// volatile reports whether the values of v may change while rules of one phase run, so that they are gathered for each rule.
func volatile(v seclang.Variable) bool {
	switch v {
	case seclang.VarTX, seclang.VarRule, seclang.VarEnv, seclang.VarMatchedVar, seclang.VarMatchedVarName, seclang.VarMatchedVars,
		seclang.VarMatchedVarsNames, seclang.VarHighestSeverity, seclang.VarDuration, seclang.VarIP, seclang.VarGlobal, seclang.VarSession,
		seclang.VarUser, seclang.VarResource, seclang.VarSessionid, seclang.VarUserid:
		return true
	}
	return false
}

// gather puts the values of a volatile variable into w.temp.
func (w *work) gather(t *compile.Target) []value {
	w.temp = w.temp[:0]
	add := func(key, s string) { w.temp = append(w.temp, value{key: key, text: text{s: s}}) }
	switch t.Variable {
	case seclang.VarTX:
		w.gatherTX(t)
	case seclang.VarRule:
		for _, key := range []string{"id", "msg", "rev", "logdata", "severity"} {
			if s, ok := w.ruleText(key); ok {
				add(key, s)
			}
		}
	case seclang.VarEnv:
		for _, p := range w.env {
			add(p.name, p.value)
		}
	case seclang.VarMatchedVar:
		add("", w.lastVar.value)
	case seclang.VarMatchedVarName:
		add("", w.lastName())
	case seclang.VarMatchedVars, seclang.VarMatchedVarsNames:
		for i := range w.matched {
			m := &w.matched[i]
			name := w.matchedName(m)
			if t.Variable == seclang.VarMatchedVars {
				add(name, m.value)
			} else {
				add(name, name)
			}
		}
	case seclang.VarHighestSeverity:
		add("", strconv.Itoa(w.severity))
	case seclang.VarDuration:
		add("", w.duration())
	case seclang.VarSessionid, seclang.VarUserid:
		add("", w.identity(t.Variable))
	default:
		if r := w.records[recordOf(t.Variable)]; r != nil {
			r.Each(add)
		}
	}
	return w.temp
}

func (w *work) gatherTX(t *compile.Target) {
	if t.Key != "" && t.Regexp == nil {
		if s, ok := w.tx.get(t.Slot, t.Key); ok {
			w.temp = append(w.temp, value{key: t.Key, text: text{s: s}})
		}
		return
	}
	if t.Regexp == nil {
		w.tx.each(func(_ int32, name, s string) {
			w.temp = append(w.temp, value{key: name, text: text{s: s}})
		})
		return
	}
	for _, i := range w.plan.slots[t] {
		if v := &w.tx.slots[i]; v.state != isAbsent {
			w.temp = append(w.temp, value{key: w.tx.names[i], text: text{s: v.text()}})
		}
	}
	for _, p := range w.tx.more {
		if w.matchesKey(t.Regexp.Match, p.name) {
			w.temp = append(w.temp, value{key: p.name, text: text{s: p.value}})
		}
	}
}

// takes reports whether t takes values with this key.
func (w *work) takes(t *compile.Target, key string) bool {
	switch {
	case t.Regexp != nil:
		if !w.matchesKey(t.Regexp.Match, key) {
			return false
		}
	case t.Key != "":
		if !equalKey(t.Key, key) {
			return false
		}
	}
	for i := range t.Except {
		if w.excepts(&t.Except[i], key) {
			return false
		}
	}
	return true
}

// matchesKey reports whether a key matches, as it is or in lower case: expressions for keys are written either way.
func (w *work) matchesKey(match func(string) bool, key string) bool {
	w.spend(len(key))
	if match(key) {
		return true
	}
	l := w.lower(key)
	return l != key && match(l)
}

func (w *work) excepts(e *compile.Except, key string) bool {
	if e.Regexp != nil {
		return w.matchesKey(e.Regexp.Match, key)
	}
	return e.Key == "" || equalKey(e.Key, key)
}

// untaken reports whether a ctl took the values of t with this key out of the rule that runs.
func (w *work) untaken(index int32, t *compile.Target, key string) bool {
	for _, u := range w.untargets[:w.inForce] {
		if u.target.Variable != t.Variable || !has(u.rules, index) {
			continue
		}
		switch {
		case u.target.Regexp != nil:
			if w.matchesKey(u.target.Regexp.Match, key) {
				return true
			}
		case u.target.Key == "" || equalKey(u.target.Key, key):
			return true
		}
	}
	return false
}

func (w *work) duration() string {
	if w.x.Start.IsZero() {
		return "0"
	}
	return strconv.FormatInt(time.Since(w.x.Start).Milliseconds(), 10)
}

// The persistent collections, as indexes of work.records.
const (
	recordIP = iota
	recordGlobal
	recordSession
	recordUser
	recordResource
	recordKinds
)

func recordOf(v seclang.Variable) int {
	switch v {
	case seclang.VarGlobal:
		return recordGlobal
	case seclang.VarSession, seclang.VarSessionid:
		return recordSession
	case seclang.VarUser, seclang.VarUserid:
		return recordUser
	case seclang.VarResource:
		return recordResource
	}
	return recordIP
}

// identity is the key of the session or of the user, "" before it is known.
func (w *work) identity(v seclang.Variable) string {
	if r := w.records[recordOf(v)]; r != nil {
		return r.Key()
	}
	return ""
}

// open begins to use a persistent collection.
func (w *work) openRecord(v seclang.Variable, key string) {
	if w.engine.cfg.Store == nil || key == "" {
		return
	}
	var r *persist.Record = w.engine.cfg.Store.OpenFor(v.String(), strings.Clone(key), w.plan.program.Settings.Timeout)
	w.records[recordOf(v)] = r
}
