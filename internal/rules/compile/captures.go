package compile

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// capturing works out, for every member that captures, whether somebody may read it. Captures stay until others overwrite them, so
// that a rule may see those of any rule before it.
type capturing struct {
	drafts []*draft
	old    [2][Phases]int // by purpose and phase: the last rule, as index plus one, that reads what is left over
}

// Purposes of reading.
const (
	decides = iota
	records
)

// markCaptures sets NeedsCaptures and CapturesInRecord in all rules.
func markCaptures(list []*draft) {
	c := &capturing{drafts: list}
	for i, d := range list {
		for purpose := range 2 {
			if c.leftOver(d, purpose) {
				c.old[purpose][d.phase] = i + 1
			}
		}
	}
	for i, d := range list {
		for m := d; m != nil; m = m.next {
			if m.rule.Capture {
				m.rule.NeedsCaptures = c.readLater(i, d, decides) || c.readInChain(d, m, decides)
				m.rule.CapturesInRecord = c.readLater(i, d, records) || c.readInChain(d, m, records)
			}
		}
	}
}

// readLater reports whether a rule that may run after rule i reads what is left over: of the same phase one behind it, or it itself when
// it runs for a further value; of later phases any.
func (c *capturing) readLater(i int, d *draft, purpose int) bool {
	if c.old[purpose][d.phase] > i {
		return true
	}
	return slices.ContainsFunc(c.old[purpose][d.phase+1:], func(last int) bool { return last > 0 })
}

// readInChain reports whether a member from m on reads captures. Message and data of the record may be those of any member.
func (c *capturing) readInChain(first, m *draft, purpose int) bool {
	if purpose == records {
		m = first
	}
	for ; m != nil; m = m.next {
		if readsOf(m.rule, purpose) != 0 {
			return true
		}
	}
	return false
}

// leftOver reports whether a member of chain d reads an index that no member before it is sure to have set.
func (c *capturing) leftOver(d *draft, purpose int) bool {
	var set uint16
	for m := d; m != nil; m = m.next {
		if purpose == decides && (readsOfTest(m.rule)&^set) != 0 {
			return true
		}
		set |= sets(m)
		reads := readsOf(m.rule, purpose)
		if purpose == decides {
			reads &^= readsOfTest(m.rule)
		}
		if purpose == records { // the first one's are filled at the end of the chain
			continue
		}
		if reads&^set != 0 {
			return true
		}
	}
	if purpose == records {
		for m := d; m != nil; m = m.next {
			if readsOf(m.rule, records)&^set != 0 {
				return true
			}
		}
	}
	return false
}

// sets is which indexes are set whenever m matches: all groups of an expression, the first alone of others.
func sets(m *draft) uint16 {
	if !m.rule.Capture || m.rule.Operator.Negated {
		return 0
	}
	switch m.operator.ID {
	case seclang.OpRx:
		return 1<<min(groups(m.operator.Argument)+1, 9) - 1
	case seclang.OpPm, seclang.OpPmFromFile, seclang.OpPmFromDataset, seclang.OpDetectSQLi:
		return 1
	}
	return 0
}

// groups counts the capturing groups of an expression, rather too few.
func groups(expr string) int {
	n, class := 0, false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
			if i+1 < len(expr) && expr[i+1] == '^' {
				i++
			}
			if i+1 < len(expr) && expr[i+1] == ']' {
				i++
			}
		case c == '(' && (i+1 >= len(expr) || expr[i+1] != '?'):
			n++
		}
	}
	return n
}

const allCaptures = 1<<captures - 1

// readsOfTest is which captures the test of one member reads, before it matches.
func readsOfTest(r *Rule) uint16 {
	var out uint16
	for _, t := range r.Targets {
		if t.Variable != seclang.VarTX {
			continue
		}
		if t.Slot < 0 {
			out |= readsByKey(t)
		} else if t.Slot < captures {
			out |= 1 << t.Slot
		}
	}
	return out | readsOfMacro(r.Operator.Macro)
}

// readsByKey is which captures a target by expression, or of TX as a whole, holds.
func readsByKey(t Target) uint16 {
	if t.Regexp == nil {
		return allCaptures
	}
	var out uint16
	for i := range captures {
		if t.Regexp.Match(string(rune('0' + i))) {
			out |= 1 << i
		}
	}
	return out
}

// readsOf is which captures one member reads, for deciding or for the record.
func readsOf(r *Rule, purpose int) uint16 {
	var out uint16
	if purpose == decides {
		out = readsOfTest(r)
	}
	eachMacro(r, func(m Macro, record bool) {
		if record == (purpose == records) {
			out |= readsOfMacro(m)
		}
	})
	return out
}

func readsOfMacro(m Macro) uint16 {
	var out uint16
	for _, p := range m {
		switch {
		case p.Variable == seclang.VarRule: // %{rule.msg} is filled with what it reads itself
			out |= allCaptures
		case p.Variable != seclang.VarTX:
		case p.Slot < 0:
			out |= allCaptures
		case p.Slot < captures:
			out |= 1 << p.Slot
		}
	}
	return out
}
