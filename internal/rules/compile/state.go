package compile

import (
	"slices"
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
type state []cell

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

// join adds a second way to a point. The result may share memory with either.
func (s state) join(o state) state {
	switch {
	case s == nil:
		return o
	case o == nil || &s[0] == &o[0]:
		return s
	}
	out := slices.Clone(s)
	for i, c := range o {
		out[i] = s[i].join(c)
	}
	return out
}

// expand fills a macro with what is known; ok is false where something is not.
func (s state) expand(m Macro) (text string, ok bool) {
	var b strings.Builder
	for _, p := range m {
		switch {
		case p.Variable == seclang.VarNone:
			b.WriteString(p.Text)
		case p.Slot >= 0 && s[p.Slot].know == exact:
			b.WriteString(s[p.Slot].value)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// after is what one setvar leaves in its slot, if it runs exactly once from s. Only of TX with a constant name.
func (s state) after(v *Set) cell {
	old := s[v.Slot]
	text, known := s.expand(v.Value)
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

// maybe is s behind actions that may run, any number of times.
func (s state) maybe(list []Do, names []string) state {
	out := s
	for more := true; more; {
		next := out.again(list, names)
		more = !slices.Equal(next, out)
		out = next
	}
	return out
}

// again is s, or s behind one run of the actions.
func (s state) again(list []Do, names []string) state {
	out, copied := s, false
	put := func(i int, c cell) {
		c = out[i].join(c)
		if i < captures || out[i] == c {
			return
		}
		if !copied {
			out, copied = slices.Clone(s), true
		}
		out[i] = c
	}
	for _, d := range list {
		switch {
		case d.Set == nil || d.Set.Collection != seclang.VarTX:
		case d.Set.Slot < 0:
			for i, name := range names {
				if d.Set.mayName(name) {
					put(i, cell{})
				}
			}
		case d.ID == seclang.ActSetvar:
			put(int(d.Set.Slot), out.after(d.Set))
		default:
			put(int(d.Set.Slot), cell{})
		}
	}
	return out
}

// once is s behind actions that run exactly once.
func (s state) once(list []Do, names []string) state {
	out := slices.Clone(s)
	for _, d := range list {
		switch {
		case d.Set == nil || d.Set.Collection != seclang.VarTX:
		case d.ID == seclang.ActSetvar && d.Set.Slot >= captures:
			out[d.Set.Slot] = out.after(d.Set)
		default:
			out = out.maybe([]Do{d}, names)
		}
	}
	return out
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
