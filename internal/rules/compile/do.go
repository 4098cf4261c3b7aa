package compile

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// do takes a non-disruptive action into d's rule.
func (b *builder) do(d *draft, a seclang.Action) {
	r := d.rule
	switch a.ID {
	case seclang.ActSetvar:
		if s := b.setvar(a); s != nil {
			r.Do = append(r.Do, Do{ID: a.ID, Set: s})
			if p, ok := b.points(r, s); ok {
				r.Scores = append(r.Scores, p)
			}
		}
	case seclang.ActExpirevar, seclang.ActDeprecatevar, seclang.ActInitcol:
		if s := b.collection(a); s != nil {
			r.Do = append(r.Do, Do{ID: a.ID, Set: s})
		}
	case seclang.ActSetenv:
		name, value, _ := strings.Cut(a.Value, "=")
		set := &Set{Slot: -1, Collection: seclang.VarEnv, Name: b.text(a, name), Value: b.text(a, value)}
		r.Do = append(r.Do, Do{ID: a.ID, Set: set})
	case seclang.ActSetsid, seclang.ActSetuid, seclang.ActSetrsc:
		of := map[seclang.ActionID]seclang.Variable{
			seclang.ActSetsid: seclang.VarSession, seclang.ActSetuid: seclang.VarUser, seclang.ActSetrsc: seclang.VarResource,
		}
		r.Do = append(r.Do, Do{ID: a.ID, Set: &Set{Slot: -1, Collection: of[a.ID], Value: b.macro(a)}})
	case seclang.ActCtl:
		b.ctl(d, a)
	case seclang.ActExec:
		b.fault(a.Position, "take it out", "exec runs programs, which a gateway must not do while a client waits")
	case seclang.ActPause:
		b.fault(a.Position, "take it out", "pause holds connections open, which helps whoever wants to use them up")
	case seclang.ActAppend, seclang.ActPrepend:
		b.fault(a.Position, "take it out", "%s changes bodies of responses, which rules do not do here", a.ID)
	case seclang.ActXmlns:
		b.fault(a.Position, "write XML:/* or XML://@*", "xmlns is for expressions of XPath, which are not supported")
	default: // sanitise…
		b.fault(a.Position, "name the field under access_log.mask in the configuration: masking goes by names, in every log", "%s is not supported", a.ID)
	}
}

// collection reads an action on a collection that outlives the request.
func (b *builder) collection(a seclang.Action) *Set {
	read := seclang.ParseInitcol
	switch a.ID {
	case seclang.ActExpirevar:
		read = seclang.ParseExpirevar
	case seclang.ActDeprecatevar:
		read = seclang.ParseDeprecatevar
	}
	c, err := read(a.Value)
	if err != nil {
		b.syntax(a.Position, err)
		return nil
	}
	s := &Set{Collection: c.Variable, Slot: -1, Name: b.convert(c.Key), Value: b.convert(c.Amount)}
	if a.ID == seclang.ActDeprecatevar {
		s.Number = int64(c.Every)
	}
	if a.ID == seclang.ActInitcol {
		s.Name, s.Value = nil, b.convert(c.Key)
	} else if name, ok := c.Key.Constant(); ok && c.Variable == seclang.VarTX {
		s.Slot = b.slotOf(name)
	}
	return s
}

// setvar reads what setvar changes.
func (b *builder) setvar(a seclang.Action) *Set {
	v, err := seclang.ParseSetvar(a.Value)
	if err != nil {
		b.syntax(a.Position, err)
		return nil
	}
	s := &Set{Collection: v.Collection, Slot: -1, Name: b.convert(v.Key), Value: b.convert(v.Value)}
	if name, ok := v.Key.Constant(); ok && v.Collection == seclang.VarTX {
		s.Slot = b.slotOf(name)
	}
	switch v.Op {
	case seclang.SetvarAdd:
		s.Op = Add
	case seclang.SetvarSubtract:
		s.Op = Subtract
	case seclang.SetvarRemove:
		s.Op = Remove
	}
	if text, ok := v.Value.Constant(); ok && (s.Op == Add || s.Op == Subtract) {
		n, err := strconv.ParseInt(text, 10, 64)
		s.Number, s.Constant = n, err == nil || text == ""
	}
	return s
}

// points tells what s adds to an anomaly score, where it does.
func (b *builder) points(r *Rule, s *Set) (Score, bool) {
	if s.Slot < 0 || s.Op != Add || !strings.Contains(b.slots[s.Slot], "bound_anomaly_score_pl") {
		return Score{}, false
	}
	p := Score{Member: r.Member, Slot: -1, Points: int(s.Number), Outbound: strings.HasPrefix(b.slots[s.Slot], "outbound")}
	if !s.Constant && len(s.Value) == 1 && s.Value[0].Variable == seclang.VarTX {
		p.Slot = s.Value[0].Slot
		p.Class = strings.TrimSuffix(s.Value[0].Key, "_anomaly_score")
	}
	return p, true
}

// ctl takes a ctl action; the rules that it names are linked when all are known.
func (b *builder) ctl(d *draft, a seclang.Action) {
	c, err := seclang.ParseCtl(a.Value)
	if err != nil {
		b.syntax(a.Position, err)
		return
	}
	if c.Option == seclang.CtlDebugLogLevel {
		b.fault(a.Position, "take it out: the access log says what rules found", "ctl:%s is not supported: there is no debug log", c.Option)
		return
	}
	b.questionCtl(a.Position, c)
	out := Ctl{Option: c.Option, Mode: c.Mode, Number: c.Number, Value: c.Text}
	if !removes(c.Option) {
		d.rule.Do = append(d.rule.Do, Do{ID: a.ID, Ctl: &out})
		return
	}
	out.Value = ""
	b.keep(a.Position, "ctl:"+c.Option.String(), c.IDs)
	out.Rules = b.chosen(c)
	if len(c.Targets) == 0 {
		d.rule.Do = append(d.rule.Do, Do{ID: a.ID, Ctl: &out})
	}
	for i := range c.Targets {
		one := out
		list := b.targets(c.Targets[i : i+1])
		if len(list) == 0 {
			continue
		}
		one.Target = &list[0]
		d.rule.Do = append(d.rule.Do, Do{ID: a.ID, Ctl: &one})
	}
}

// removes reports whether an option takes out rules or targets of rules.
func removes(o seclang.CtlOption) bool {
	switch o {
	case seclang.CtlRuleRemoveByID, seclang.CtlRuleRemoveByTag, seclang.CtlRuleRemoveByMsg,
		seclang.CtlRuleRemoveTargetByID, seclang.CtlRuleRemoveTargetByTag, seclang.CtlRuleRemoveTargetByMsg:
		return true
	}
	return false
}

// chosen returns the rules that c names, as bits by their place in b.rules.
func (b *builder) chosen(c seclang.Ctl) []uint64 {
	bits := newBits(len(b.rules))
	for i, r := range b.rules {
		hit := false
		switch c.Option {
		case seclang.CtlRuleRemoveByID, seclang.CtlRuleRemoveTargetByID:
			hit = within(c.IDs, r.id)
		case seclang.CtlRuleRemoveByTag, seclang.CtlRuleRemoveTargetByTag:
			for _, t := range r.tags {
				hit = hit || t == c.Text
			}
		default:
			hit = r.msg == c.Text
		}
		if hit && !b.kept(r) {
			setBit(bits, i)
		}
	}
	return bits
}

func newBits(n int) []uint64        { return make([]uint64, (n+63)/64) }
func setBit(b []uint64, i int)      { b[i>>6] |= 1 << (i & 63) }
func hasBit(b []uint64, i int) bool { return b[i>>6]>>(i&63)&1 != 0 }
