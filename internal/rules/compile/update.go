package compile

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// remove takes out rules that are there; ids that no rule has are no fault.
func (b *builder) remove(d *seclang.Directive) {
	if len(d.Args) == 0 {
		return
	}
	var gone func(*draft) bool
	switch d.Name {
	case "SecRuleRemoveById":
		var ids []seclang.IDRange
		for _, a := range d.Args {
			list, err := seclang.ParseIDs(a.Text)
			if err != nil {
				b.syntax(a.Position, err)
				return
			}
			b.keep(a.Position, d.Name, list)
			ids = append(ids, list...)
		}
		gone = func(r *draft) bool { return within(ids, r.id) }
	case "SecRuleRemoveByTag":
		gone = func(r *draft) bool { return slices.Contains(r.tags, d.Args[0].Text) }
	default:
		gone = func(r *draft) bool { return r.msg == d.Args[0].Text }
	}
	b.rules = slices.DeleteFunc(b.rules, func(r *draft) bool {
		if !gone(r) || b.kept(r) {
			return false
		}
		delete(b.byID, r.id)
		return true
	})
}

// kept reports whether r stays as it is, whatever directives say.
func (b *builder) kept(r *draft) bool {
	_, ok := b.o.Kept[r.id]
	return ok
}

// keep refuses ids of rules that stay as they are. Ranges may go over them.
func (b *builder) keep(at seclang.Position, who string, ids []seclang.IDRange) {
	for _, one := range ids {
		if hint, ok := b.o.Kept[one.First]; ok && one.First == one.Last {
			b.fault(at, hint, "%s: rule %d can be neither taken out nor changed", who, one.First)
		}
	}
}

func within(ids []seclang.IDRange, id int) bool {
	return slices.ContainsFunc(ids, func(r seclang.IDRange) bool { return r.Has(id) })
}

// named lists the rules that an update names. An id that no rule has is a fault: what it was to do does not happen.
func (b *builder) named(d *seclang.Directive) []*draft {
	var out []*draft
	first := d.Args[0]
	switch {
	case strings.HasSuffix(d.Name, "ByTag"):
		for _, r := range b.rules {
			if slices.Contains(r.tags, first.Text) && !b.kept(r) {
				out = append(out, r)
			}
		}
		return out
	case strings.HasSuffix(d.Name, "ByMsg"):
		for _, r := range b.rules {
			if r.msg == first.Text && !b.kept(r) {
				out = append(out, r)
			}
		}
		return out
	}
	names, _ := updated(d)
	for _, name := range names {
		for _, r := range b.numbered(d.Name, name) {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// updated splits the words of an update by id into those that name rules and those that say what is new: the first is an id, and so is what looks
// like one before the last.
func updated(d *seclang.Directive) (names, rest []seclang.Argument) {
	n := 1
	for ; n < len(d.Args)-1; n++ {
		if _, err := seclang.ParseIDs(d.Args[n].Text); err != nil {
			break
		}
	}
	return d.Args[:n], d.Args[n:]
}

// numbered lists the rules that one word of an update by id names.
func (b *builder) numbered(who string, name seclang.Argument) []*draft {
	var out []*draft
	text, offset := name.Text, -1
	if id, n, ok := strings.Cut(text, ":"); ok {
		text, offset = id, number(n)
	}
	ids, err := seclang.ParseIDs(text)
	if err != nil {
		b.syntax(name.Position, err)
		return nil
	}
	b.keep(name.Position, who, ids)
	for _, r := range b.rules {
		if within(ids, r.id) && !b.kept(r) {
			out = append(out, r)
		}
	}
	for _, one := range ids {
		if one.First == one.Last && b.byID[one.First] == nil && !b.hidden.rules {
			b.fault(name.Position, "it must stand behind the rule; rules that were removed before are gone", "%s: there is no rule %d", who, one.First)
		}
	}
	if offset > 0 {
		out = b.members(name.Position, out, offset)
	}
	return out
}

// members replaces rules by the n-th member of their chains.
func (b *builder) members(at seclang.Position, rules []*draft, n int) []*draft {
	for i, r := range rules {
		m := r
		for k := 0; k < n && m != nil; k++ {
			m = m.next
		}
		if m == nil && b.hidden.rules {
			return nil
		}
		if m == nil {
			b.fault(at, "count from 0, the rule with the id", "the chain of rule %d has no member %d", r.id, n)
			return nil
		}
		rules[i] = m
	}
	return rules
}

// updateTargets adds targets to rules; those with ! take values out. With one more argument what is new replaces it.
func (b *builder) updateTargets(d *seclang.Directive) {
	if len(d.Args) < 2 {
		return
	}
	_, words := updated(d)
	list, ok := b.parseTargets(words[0])
	if !ok {
		return
	}
	var old []seclang.Target
	if len(words) > 1 {
		if old, ok = b.parseTargets(words[1]); !ok {
			return
		}
	}
	for _, r := range b.named(d) {
		if len(old) > 0 {
			r.targets = slices.DeleteFunc(r.targets, func(t seclang.Target) bool {
				return slices.ContainsFunc(old, func(o seclang.Target) bool { return same(o, t) })
			})
		}
		r.targets = append(r.targets, list...)
	}
}

// same reports whether a and b are the same target, wherever they stand.
func same(a, b seclang.Target) bool {
	a.Position, b.Position = seclang.Position{}, seclang.Position{}
	if !a.Variable.CaseSensitive() {
		a.Selector, b.Selector = strings.ToLower(a.Selector), strings.ToLower(b.Selector)
	}
	return a == b
}

// updateActions adds actions to rules; a disruptive one replaces theirs.
func (b *builder) updateActions(d *seclang.Directive) {
	if len(d.Args) < 2 {
		return
	}
	_, words := updated(d)
	list, ok := b.parseActions(words[0])
	if !ok {
		return
	}
	for _, a := range list {
		switch a.ID {
		case seclang.ActId, seclang.ActPhase, seclang.ActChain:
			if b.partial {
				return
			}
			b.fault(a.Position, "take it out", "SecRuleUpdateActionById cannot change %s", a.ID)
			return
		}
	}
	replaces := slices.ContainsFunc(list, func(a seclang.Action) bool { return a.ID.Disruptive() })
	for _, r := range b.named(d) {
		if replaces {
			r.actions = slices.DeleteFunc(r.actions, func(a seclang.Action) bool { return a.ID.Disruptive() })
		}
		r.actions = append(r.actions, list...)
		for _, a := range list {
			b.identify(r, a)
		}
	}
}
