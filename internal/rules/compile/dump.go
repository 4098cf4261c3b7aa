package compile

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// String renders the program: what is set at the start, and for each phase its rules in order, those that always run marked with *.
// Equal programs render equal.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rules %d, folded %d, chains %d, slots %d\n", len(p.Rules), p.Folded, len(p.Chains), len(p.Slots))
	for _, v := range p.Initial {
		fmt.Fprintf(&b, "tx.%s=%q\n", p.Slots[v.Slot], v.Value)
	}
	for n := range p.Phases {
		ph := &p.Phases[n]
		if len(ph.Rules) == 0 {
			continue
		}
		always := 0
		for pos := range ph.Rules {
			if hasBit(ph.Plan.Always, pos) {
				always++
			}
		}
		fmt.Fprintf(&b, "phase %d: %d rules, %d always\n", n, len(ph.Rules), always)
		for pos, i := range ph.Rules {
			mark := " "
			if hasBit(ph.Plan.Always, pos) {
				mark = "*"
			}
			fmt.Fprintf(&b, "%s%d", mark, pos)
			for r := &p.Rules[i]; r != nil; r = r.Next {
				p.line(&b, r)
			}
		}
		p.wants(&b, ph)
	}
	return b.String()
}

// wants renders what the plan of a phase looks for: for each variable and chain the patterns.
func (p *Program) wants(b *strings.Builder, ph *Phase) {
	list := func(what string, wants []Want) {
		for _, w := range wants {
			fmt.Fprintf(b, "  %s", what)
			if names := p.Chains[w.Chain].Names; names != "" {
				b.WriteString(" " + names)
			}
			b.WriteString(":")
			for i := range 64 * len(w.Patterns) {
				if hasBit(w.Patterns, i) {
					fmt.Fprintf(b, " %d", i)
				}
			}
			b.WriteByte('\n')
		}
	}
	for v, w := range ph.Plan.Wanted {
		if w == nil {
			continue
		}
		name := seclang.Variable(v).String()
		list(name, w.All)
		for _, key := range sortedKeys(w.Keyed) {
			list(name+":"+key, w.Keyed[key])
		}
	}
}

// line renders one member of a rule.
func (p *Program) line(b *strings.Builder, r *Rule) {
	fmt.Fprintf(b, "\t%d.%d %s", r.ID, r.Member, r.targets())
	op := "always"
	if r.Operator.ID != seclang.OpAlways {
		op = "@" + r.Operator.ID.String()
		if r.Operator.Negated {
			op = "!" + op
		}
		if text := r.Operator.Text; len(text) > 40 {
			op += " " + strings.ToValidUTF8(text[:40], "") + "…"
		} else {
			op += " " + text
		}
	}
	fmt.Fprintf(b, " %q", op)
	if r.Operator.Pattern >= 0 {
		fmt.Fprintf(b, " #%d", r.Operator.Pattern)
	}
	if len(r.Operator.Macro) > 0 {
		b.WriteString(" open")
	}
	if names := p.Chains[r.Chain].Names; names != "" {
		b.WriteString(" " + names)
	}
	for _, d := range r.Do {
		b.WriteString(" " + p.do(d))
	}
	for _, f := range []struct {
		on   bool
		word string
	}{
		{r.MultiMatch, "multiMatch"}, {r.Capture, "capture"}, {r.NeedsCaptures, "needed"}, {r.CapturesInRecord, "recorded"}, {r.Log, "log"},
		{r.Audit, "audit"}, {r.Skip > 0, fmt.Sprint("skip=", r.Skip)}, {r.SkipTo >= 0, fmt.Sprint("to=", r.SkipTo)},
		{r.Severity >= 0, fmt.Sprint("severity=", r.Severity)}, {r.Paranoia > 0, fmt.Sprint("paranoia=", r.Paranoia)},
		{r.Disrupt != Pass, r.Disrupt.String()}, {r.Status > 0, fmt.Sprint(r.Status)}, {len(r.Scores) > 0, fmt.Sprint("scores=", r.Scores)},
	} {
		if f.on {
			b.WriteString(" " + f.word)
		}
	}
	b.WriteByte('\n')
}

// targets renders the list of targets.
func (r *Rule) targets() string {
	var out []string
	for _, t := range r.Targets {
		s := t.Variable.String()
		if t.Count {
			s = "&" + s
		}
		switch {
		case t.Regexp != nil:
			s += ":/…/"
		case t.Key != "":
			s += ":" + t.Key
		}
		for _, e := range t.Except {
			if s += "!" + e.Key; e.Regexp != nil {
				s += "/…/"
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, "|")
}

// do renders one action.
func (p *Program) do(d Do) string {
	switch {
	case d.Ctl != nil:
		n := 0
		for i := range p.Rules {
			if d.Ctl.Rules != nil && hasBit(d.Ctl.Rules, i) {
				n++
			}
		}
		if d.Ctl.Rules == nil {
			return fmt.Sprintf("ctl:%s=%s%d/%d", d.Ctl.Option, d.Ctl.Value, d.Ctl.Mode, d.Ctl.Number)
		}
		return fmt.Sprintf("ctl:%s(%d rules)", d.Ctl.Option, n)
	case d.Set != nil:
		op := map[SetOp]string{Assign: "=", Add: "+=", Subtract: "-=", Remove: " gone"}[d.Set.Op]
		value := d.Set.Value.String()
		if d.Set.Constant {
			value = fmt.Sprint(d.Set.Number)
		}
		if d.ID == seclang.ActDeprecatevar {
			value += fmt.Sprint("/", d.Set.Number)
		}
		return fmt.Sprintf("%s:%s.%s%s%s", d.ID, strings.ToLower(d.Set.Collection.String()), d.Set.Name, op, value)
	}
	return d.ID.String()
}

// String renders a macro as rules write it.
func (m Macro) String() string {
	var b strings.Builder
	for _, p := range m {
		if p.Variable == seclang.VarNone {
			b.WriteString(p.Text)
			continue
		}
		b.WriteString("%{" + p.Text + "}")
	}
	return b.String()
}

// String is the action as rules write it.
func (d Disrupt) String() string {
	return [...]string{"pass", "deny", "drop", "redirect", "proxy", "allow", "allow:phase", "allow:request"}[d]
}
