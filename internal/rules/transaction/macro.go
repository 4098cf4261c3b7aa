package transaction

import (
	"strconv"
	"strings"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// maxExpanded bounds the text that a macro becomes: names of variables may come from requests.
const maxExpanded = 64 << 10

// expand returns the text of m. It holds until the end of the phase.
func (w *work) expand(m compile.Macro) string {
	switch len(m) {
	case 0:
		return ""
	case 1:
		return w.part(&m[0])
	}
	at := len(w.buf)
	for i := range m {
		s := w.part(&m[i])
		w.buf = append(w.buf, s[:min(len(s), maxExpanded)]...)
	}
	s := w.keep(w.buf[at:])
	w.buf = w.buf[:at]
	w.spend(len(s))
	return s
}

// keep returns a copy of b that holds until the end of the phase.
func (w *work) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	w.derived += len(b)
	c := w.arena.Grow(len(b))
	copy(c, b)
	return unsafe.String(unsafe.SliceData(c), len(c))
}

// part returns the text of one part: where it names a variable that does not exist, what stands between the braces, as Coraza does.
func (w *work) part(p *compile.Part) string {
	if p.Variable == seclang.VarNone {
		return p.Text
	}
	if s, ok := w.lookup(p); ok {
		return s
	}
	return p.Text
}

// lookup returns the first value of what p names.
func (w *work) lookup(p *compile.Part) (string, bool) {
	switch p.Variable {
	case seclang.VarTX:
		return w.tx.get(p.Slot, p.Key)
	case seclang.VarRule:
		return w.ruleText(p.Key)
	case seclang.VarEnv:
		return find(w.env, p.Key)
	case seclang.VarMatchedVar:
		return w.lastVar.value, true
	case seclang.VarMatchedVarName:
		return w.lastName(), true
	case seclang.VarMatchedVars, seclang.VarMatchedVarsNames:
		return w.lookupMatched(p.Key)
	case seclang.VarHighestSeverity:
		return strconv.Itoa(w.severity), true
	case seclang.VarDuration:
		return w.duration(), true
	case seclang.VarIP, seclang.VarGlobal, seclang.VarSession, seclang.VarUser, seclang.VarResource:
		if r := w.records[recordOf(p.Variable)]; r != nil {
			return r.Get(p.Key)
		}
		return "", false
	case seclang.VarSessionid, seclang.VarUserid:
		return w.identity(p.Variable), true
	}
	return w.lookupKey(p.Variable, p.Key)
}

// lookupKey returns the first value of v whose key is key. Of the names of a collection that is, as in Coraza, its value.
func (w *work) lookupKey(v seclang.Variable, key string) (string, bool) {
	if !v.Collection() {
		list := w.values(v)
		if len(list) == 0 {
			return "", false
		}
		return list[0].text.s, true
	}
	switch v {
	case seclang.VarArgsNames:
		v = seclang.VarArgs
	case seclang.VarArgsGetNames:
		v = seclang.VarArgsGet
	case seclang.VarArgsPostNames:
		v = seclang.VarArgsPost
	case seclang.VarRequestHeadersNames:
		v = seclang.VarRequestHeaders
	case seclang.VarRequestCookiesNames:
		v = seclang.VarRequestCookies
	case seclang.VarResponseHeadersNames:
		v = seclang.VarResponseHeaders
	}
	of, n := parts(v)
	for _, v := range of[:n] {
		list := w.values(v)
		for i := range list {
			if equalKey(list[i].key, key) {
				return list[i].text.s, true
			}
		}
	}
	return "", false
}

// equalKey compares keys regardless of case.
func equalKey(a, b string) bool {
	if exchange.EqualFold(a, b) {
		return true
	}
	if ascii(a) && ascii(b) {
		return false
	}
	//lint:ignore SA6005 EqualFold takes more letters for one
	return strings.ToLower(a) == strings.ToLower(b) //nolint:staticcheck // as above
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// lower returns s in lower case. It holds until the end of the phase.
func (w *work) lower(s string) string {
	upper := false
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return strings.ToLower(s)
		}
		upper = upper || s[i] >= 'A' && s[i] <= 'Z'
	}
	if !upper {
		return s
	}
	w.derived += len(s)
	b := w.arena.Grow(len(s))
	for i := range b {
		b[i] = s[i]
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// foldOf returns the key of v in lower case.
func (w *work) foldOf(v *value) string {
	if v.fold == "" {
		if v.fold = v.key; !isLower(v.key) {
			v.fold = w.hold(w.lower(v.key))
		}
	}
	return v.fold
}

// isLower reports whether s is ASCII without upper case letters.
func isLower(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

func find(list []pair, name string) (string, bool) {
	for i := range list {
		if equalKey(list[i].name, name) {
			return list[i].value, true
		}
	}
	return "", false
}

// ruleText returns a variable of the rule that runs: its message where the member of a chain has none is that of the chain's first rule.
func (w *work) ruleText(key string) (string, bool) {
	r := w.member
	if r == nil || w.expanded > 1 {
		return "", false
	}
	pick := func(own, first compile.Macro) (string, bool) {
		if own == nil {
			own = first
		}
		if own == nil {
			return "", false
		}
		w.expanded++
		s := w.expand(own)
		w.expanded--
		return s, true
	}
	switch key {
	case "id":
		return strconv.Itoa(r.ID), true
	case "msg":
		return pick(r.Msg, w.rule.Msg)
	case "logdata":
		return pick(r.LogData, w.rule.LogData)
	case "rev":
		return r.Rev, true
	case "severity":
		return severityName(r.Severity), true
	}
	return "", false
}

// lookupMatched returns the first value that the rule that runs has matched under a name.
func (w *work) lookupMatched(name string) (string, bool) {
	for i := range w.matched {
		if m := &w.matched[i]; equalKey(w.matchedName(m), name) {
			return m.value, true
		}
	}
	return "", false
}
