package compile

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// knowledge is what is certain about a TX variable at one point, whatever the exchange.
type knowledge uint8

const (
	unsure  knowledge = iota // it may be there or not
	absent                   // it is not there
	present                  // it is there, with a value that is not known
	exact                    // it is there with this value
)

// cell is what is known of one TX variable.
type cell struct {
	know  knowledge
	value string // of exact
}

// state is what is known of all TX variables at one point of a phase, by slot. nil is a point that is never reached.
type state = *table

// join is what two ways to one point have in common.
func (c cell) join(o cell) cell {
	switch {
	case c == o:
		return c
	case c.know >= present && o.know >= present:
		return cell{know: present}
	}
	return cell{}
}

// maxJoined bounds the text that macros are folded to where they put several parts together, in bytes. Each rule can double a value: where
// they go on, the run decides, which has a bound of its own (64 KiB). It stays far below that one, for here every value is held.
const maxJoined = 1 << 10

// expand fills a macro with what is known; ok is false where something is not, or where the text would get too long.
func (t *table) expand(m Macro) (text string, ok bool) {
	var b strings.Builder
	for _, p := range m {
		part := p.Text
		if p.Variable != seclang.VarNone {
			if p.Slot < 0 || t.at(p.Slot).know != exact {
				return "", false
			}
			part = t.at(p.Slot).value
		}
		if len(m) == 1 {
			return part, true
		}
		if b.Len()+len(part) > maxJoined {
			return "", false
		}
		b.WriteString(part)
	}
	return b.String(), true
}

// after is what one setvar leaves in its slot, if it runs exactly once from s. Only of TX with a constant name.
func (t *table) after(v *Set) cell {
	old := t.at(v.Slot)
	text, known := t.expand(v.Value)
	switch v.Op {
	case Remove:
		return cell{know: absent}
	case Assign:
		// A value that only becomes a sum when macros are filled is left to the run.
		if _, constant := v.Value.Constant(); !known || !constant && strings.HasPrefix(text, "+") || !constant && strings.HasPrefix(text, "-") {
			return cell{know: present}.join(old)
		}
		return cell{exact, text}
	}
	n := int(v.Number)
	if !v.Constant {
		var err error
		if n, err = strconv.Atoi(text); !known || err != nil {
			return cell{}
		}
	}
	if v.Op == Subtract {
		n = -n
	}
	was := 0
	if old.know == exact && old.value != "" {
		var err error
		if was, err = strconv.Atoi(old.value); err != nil {
			return old
		}
	} else if old.know == present || old.know == unsure {
		return cell{know: old.know}
	}
	return cell{exact, strconv.Itoa(was + n)}
}

// captures is how many slots, from the first, captures may fill at any time: nothing is ever known of them.
const captures = 10

// space is where states are: the names of the slots, and how much work may go on. Rules that nobody writes by hand would take more than linear
// time, so behind a bound nothing is known any longer and all is left to the run, which is always right.
type space struct {
	names []string
	left  int // steps; about 10 ns each
}

// maxWork is how many steps the folding of one program may take. The Core Rule Set needs some thousands.
const maxWork = 20_000_000

// spend takes n steps; it reports whether there were so many.
func (p *space) spend(n int) bool {
	if p.left < n {
		p.left = 0
		return false
	}
	p.left -= n
	return true
}

// join adds a second way to a point.
func (p *space) join(s, o state) state {
	switch {
	case s == nil:
		return o
	case o == nil || s == o:
		return s
	case p.left <= 0:
		return newTable(len(p.names))
	}
	joined, steps := s.join(o)
	p.spend(steps * fan)
	return joined
}

// maybe is s behind actions that may run, any number of times.
func (p *space) maybe(s state, list []Do) state {
	for {
		if !p.spend(len(list)) {
			return newTable(len(p.names))
		}
		next := p.again(s, list)
		if next == s {
			return s
		}
		s = next
	}
}

// again is s, or s behind one run of the actions; s itself where that changes nothing.
func (p *space) again(s state, list []Do) state {
	out := s
	put := func(i int32, c cell) {
		if i >= captures {
			out = out.with(i, out.at(i).join(c))
		}
	}
	for _, d := range list {
		switch {
		case d.Set == nil || d.Set.Collection != seclang.VarTX:
		case d.Set.Slot < 0:
			if !p.spend(len(p.names)) {
				return newTable(len(p.names))
			}
			for i, name := range p.names {
				if d.Set.mayName(name) {
					put(int32(i), cell{})
				}
			}
		case d.ID == seclang.ActSetvar:
			put(d.Set.Slot, out.after(d.Set))
		default:
			put(d.Set.Slot, cell{})
		}
	}
	return out
}

// once is s behind actions that run exactly once.
func (p *space) once(s state, list []Do) state {
	for i, d := range list {
		switch {
		case d.Set == nil || d.Set.Collection != seclang.VarTX:
		case d.ID == seclang.ActSetvar && d.Set.Slot >= captures:
			s = s.with(d.Set.Slot, s.after(d.Set))
		default:
			s = p.maybe(s, list[i:i+1])
		}
	}
	return s
}

// mayName reports whether the macro that names v can come out as name: its literal begin and end must fit.
func (s *Set) mayName(name string) bool {
	if len(s.Name) == 0 {
		return true
	}
	first, last := s.Name[0], s.Name[len(s.Name)-1]
	if first.Variable == seclang.VarNone {
		rest, ok := strings.CutPrefix(name, strings.ToLower(first.Text))
		if !ok {
			return false
		}
		name = rest
	}
	return len(s.Name) == 1 || last.Variable != seclang.VarNone || strings.HasSuffix(name, strings.ToLower(last.Text))
}
