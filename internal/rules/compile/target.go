package compile

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// targets makes the list of a rule: each target that puts values in, with what the list takes out of it, wherever that stands.
// What is taken out whole is left out, but for the last: a rule without targets would be one that always matches.
func (b *builder) targets(list []seclang.Target) []Target {
	var all, out []Target
	for _, t := range list {
		if !t.Exclude {
			all = append(all, b.target(t))
		}
	}
	for _, t := range list {
		if !t.Exclude {
			continue
		}
		e := b.except(t)
		for i := range all {
			if all[i].Variable == t.Variable {
				all[i].Except = append(all[i].Except, e)
			}
		}
	}
	for i, t := range all {
		if t.Count || !t.empty() || i == len(all)-1 && len(out) == 0 {
			out = append(out, t)
		}
	}
	return out
}

// empty reports whether all values of t are taken out.
func (t *Target) empty() bool {
	for _, e := range t.Except {
		if e.Regexp == nil && (e.Key == "" || t.Regexp == nil && t.Key != "" && strings.EqualFold(t.Key, e.Key)) {
			return true
		}
	}
	return false
}

func (b *builder) target(t seclang.Target) Target {
	out := Target{Variable: t.Variable, Slot: -1, Count: t.Count}
	if t.Regexp {
		out.Regexp = b.single(t)
		out.Text = "/" + t.Selector + "/"
		return out
	}
	out.Key = t.Selector
	if !t.Variable.CaseSensitive() {
		out.Key = strings.ToLower(out.Key)
	}
	if t.Variable == seclang.VarTX && out.Key != "" {
		out.Slot = b.slotOf(out.Key)
	}
	return out
}

func (b *builder) except(t seclang.Target) Except {
	if t.Regexp {
		t.Variable = seclang.VarTX // keys of exceptions have no case
		return Except{Regexp: b.single(t)}
	}
	return Except{Key: strings.ToLower(t.Selector)}
}

// single compiles a selector that is a regular expression.
func (b *builder) single(t seclang.Target) *match.Single {
	expr := t.Selector
	if !t.Variable.CaseSensitive() {
		expr = "(?i)" + expr
	}
	s, err := b.o.Patterns.Single(expr)
	if err != nil {
		b.fault(t.Position, "", "read selector /%s/: %v", t.Selector, err)
	}
	if s == nil {
		s = &match.Single{}
	}
	return s
}

// text reads a macro within the value of an action.
func (b *builder) text(a seclang.Action, text string) Macro {
	m, err := seclang.ParseMacro(text)
	if err != nil {
		b.syntax(a.Position, err)
		return nil
	}
	return b.convert(m)
}

func (b *builder) macro(a seclang.Action) Macro { return b.text(a, a.Value) }

// convert gives the TX variables of a macro their slots. The empty text is an empty macro, not nil.
func (b *builder) convert(m seclang.Macro) Macro {
	out := make(Macro, 0, len(m))
	for _, p := range m {
		q := Part{Text: p.Literal, Variable: p.Variable, Key: p.Key, Slot: -1}
		if p.Variable == seclang.VarTX && p.Key != "" {
			q.Slot = b.slotOf(p.Key)
		}
		out = append(out, q)
	}
	return out
}

// Constant returns the text of a macro that has no variables.
func (m Macro) Constant() (string, bool) {
	switch {
	case len(m) == 0:
		return "", true
	case len(m) == 1 && m[0].Variable == seclang.VarNone:
		return m[0].Text, true
	}
	return "", false
}
