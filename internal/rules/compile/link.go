package compile

import (
	"math"
	"slices"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// link turns places in the order of all rules into positions in phases: where skipAfter goes on, and how far skip reaches.
func (b *builder) link() {
	phases := b.phases()
	for _, d := range b.rules {
		list := phases[d.phase]
		if d.rule.SkipTo >= 0 {
			d.rule.SkipTo = int32(b.position(list, int(d.rule.SkipTo)))
		}
	}
	all := b.takings()
	for i, d := range b.rules {
		if d.rule.Skip > 0 {
			b.linkSkip(i, d, phases[d.phase], all)
		}
	}
}

// position is how many rules of the list stand before order.
func (b *builder) position(list []int, order int) int {
	n, _ := slices.BinarySearchFunc(list, order, func(i, order int) int { return b.rules[i].order - order })
	return n
}

// linkSkip makes a skip a jump to a position. Markers count as rules, as in Coraza. A rule that some ctl takes out does not count: where that may
// happen the number stays, less the markers.
func (b *builder) linkSkip(i int, d *draft, list []int, all []taking) {
	end := math.MaxInt
	left := int(d.rule.Skip)
	at := b.position(list, d.order) + 1
	first := at
	for _, m := range b.behind(d.order) {
		n := min(b.position(list, m.order)-at, left)
		at, left = at+n, left-n
		if left == 0 {
			end = at
			break
		}
		left--
		d.rule.Skip--
		if left == 0 {
			end = at
			break
		}
	}
	if end == math.MaxInt {
		end = min(at+left, len(list))
	}
	if d.rule.SkipTo < 0 && counted(all, i, list[min(first, len(list)):end]) {
		d.rule.Skip, d.rule.SkipTo = 0, int32(end)
	}
}

// taking is a ctl that takes rules out.
type taking struct {
	by    int // the rule that has it
	rules []uint64
}

// takings lists them.
func (b *builder) takings() (out []taking) {
	for by, d := range b.rules {
		for m := d; m != nil; m = m.next {
			for _, do := range m.rule.Do {
				if do.Ctl != nil && removes(do.Ctl.Option) && do.Ctl.Target == nil {
					out = append(out, taking{by, do.Ctl.Rules})
				}
			}
		}
	}
	return out
}

// counted reports whether rule i, when it matches, is sure to find all rules of the list still there.
func counted(all []taking, i int, list []int) bool {
	for _, r := range all {
		hits := slices.ContainsFunc(list, func(k int) bool { return hasBit(r.rules, k) })
		if hits && (r.by == i || !hasBit(r.rules, i)) {
			return false
		}
	}
	return true
}

// checkDropped finds faults in expressions that are not compiled because their rules are left out.
func (b *builder) checkDropped(dropped []bool) {
	for i, d := range b.rules {
		if dropped[i] {
			b.checkPatterns(d)
		}
	}
}

// assemble makes the program of the rules that remain. Its set begins with the patterns of first.
func (b *builder) assemble(start state, dropped []bool, first *patterns) *Program {
	p := &Program{Chains: b.chains, Slots: b.slots, Settings: b.settings, slot: b.slot}
	var kept []*draft
	index := make([]int, len(b.rules)) // in Program.Rules, of kept ones
	before := [Phases][]int32{}        // by phase and old position: the new position
	var phases [Phases][]*draft
	for i, d := range b.rules {
		before[d.phase] = append(before[d.phase], int32(len(phases[d.phase])))
		if dropped[i] {
			p.Folded++
			index[i] = -1
			continue
		}
		index[i] = len(kept)
		kept = append(kept, d)
		phases[d.phase] = append(phases[d.phase], d)
	}
	for _, list := range phases {
		wait(list)
	}
	b.matchSlots(kept)
	markCaptures(kept)
	found := collect(kept, first)
	b.compilePatterns(p, found)
	for _, d := range kept {
		moved := append(before[d.phase], int32(len(phases[d.phase])))
		b.move(d, moved, index, len(kept))
	}
	for i := range int32(len(b.slots)) {
		if c := start.at(i); c.know == exact {
			p.Initial = append(p.Initial, Initial{i, c.value})
		}
	}
	for n := range phases {
		p.Phases[n].Plan = b.plan(phases[n], len(found.list))
	}
	for i, d := range kept {
		p.Phases[d.phase].Rules = append(p.Phases[d.phase].Rules, int32(i))
		p.Rules = append(p.Rules, *d.rule)
	}
	p.Views = b.views(found, p.Patterns)
	return p
}

// matchSlots finds the slots that targets of TX by expression select.
func (b *builder) matchSlots(list []*draft) {
	for _, d := range list {
		for m := d; m != nil; m = m.next {
			for i := range m.rule.Targets {
				t := &m.rule.Targets[i]
				if t.Variable != seclang.VarTX || t.Regexp == nil {
					continue
				}
				for slot, name := range b.slots {
					if t.Regexp.Match(name) {
						t.Slots = append(t.Slots, int32(slot))
					}
				}
			}
		}
	}
}

// move turns positions and indexes of all rules into those of the rules that remain.
func (b *builder) move(d *draft, moved []int32, index []int, kept int) {
	if d.rule.SkipTo >= 0 {
		d.rule.SkipTo = moved[d.rule.SkipTo]
	}
	for m := d; m != nil; m = m.next {
		for _, do := range m.rule.Do {
			if do.Ctl == nil || do.Ctl.Rules == nil {
				continue
			}
			bits := newBits(kept)
			for i, n := range index {
				if n >= 0 && hasBit(do.Ctl.Rules, i) {
					setBit(bits, n)
				}
			}
			do.Ctl.Rules = bits
		}
	}
}
