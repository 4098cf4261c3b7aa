package compile

import (
	"fmt"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// manyWords is how many words a list may have without a warning. A set of three times as many takes about 3 s to build and 100 MB.
const manyWords = 200_000

// Warnings lists rules whose pattern costs more than limit nanoseconds a byte, be it to match or to find what it captures, and those whose list of
// words is very long.
func (p *Program) Warnings(limit float64) []seclang.Fault {
	var out []seclang.Fault
	for i := range p.Rules {
		for r := &p.Rules[i]; r != nil; r = r.Next {
			if r.Operator.Pattern < 0 {
				continue
			}
			warn := func(text, hint string) {
				out = append(out, seclang.Fault{Position: r.Position, Rule: r.ID, Text: text, Hint: hint, Warning: true})
			}
			i := int(r.Operator.Pattern)
			if text, hint := p.costly(r, limit); text != "" {
				warn(text, hint)
			}
			if n := p.Patterns.WordCount(i); n > manyWords {
				warn(fmt.Sprintf("its list has %d words, more than %d: each start and reload takes seconds longer", n, manyWords),
					"leave out what contains another word of the list, or is no longer seen")
			}
		}
	}
	return out
}

// costly says which work with the pattern of r is the dearest where that costs more than limit nanoseconds a byte, "" where none does. What only
// the record shows of a match is not counted: it is looked for in a bounded part of an exchange, however long that is.
func (p *Program) costly(r *Rule, limit float64) (text, hint string) {
	i := int(r.Operator.Pattern)
	test, find := p.Patterns.Cost(i), 0.0
	if r.NeedsCaptures {
		find = p.Patterns.FindCost(i)
	}
	switch {
	case max(test, find) <= limit:
		return "", ""
	case find > test:
		return fmt.Sprintf("to find what it captures takes up to %.0f ns for each byte of a value that matches, more than %.0f", find, limit),
			"take a shorter pattern, or match without capture and let the next of a chain capture from MATCHED_VAR with a shorter one"
	}
	return fmt.Sprintf("its pattern takes %.0f ns for each byte of a value, more than %.0f", test, limit),
		"bound its repetitions or split it: a hostile request could keep a processor busy with it"
}

// Memory is how many bytes the program holds, patterns included; operators of package operator are counted by their arguments.
func (p *Program) Memory() int64 {
	n := int64(unsafe.Sizeof(*p)) + p.Patterns.Memory()
	for _, v := range p.Views {
		n += v.Memory()
	}
	for i := range p.Rules {
		for r := &p.Rules[i]; r != nil; r = r.Next {
			n += r.memory()
		}
	}
	for _, c := range p.Chains {
		n += int64(unsafe.Sizeof(c)) + int64(len(c.Names)+len(c.Steps))
	}
	for _, s := range p.Slots {
		n += 2*int64(unsafe.Sizeof(s)+8) + int64(len(s))
	}
	for _, v := range p.Initial {
		n += int64(unsafe.Sizeof(v)) + int64(len(v.Value))
	}
	for i := range p.Phases {
		n += p.Phases[i].memory()
	}
	return n
}

func (r *Rule) memory() int64 {
	n := int64(unsafe.Sizeof(*r)) + 2*int64(len(r.Operator.Text)) + int64(len(r.Rev)+len(r.Ver))
	for _, t := range r.Targets {
		n += int64(unsafe.Sizeof(t)) + int64(len(t.Key)+len(t.Except)*64)
	}
	for _, t := range r.Tags {
		n += int64(unsafe.Sizeof(t)) + int64(len(t))
	}
	eachMacro(r, func(m Macro, _ bool) {
		for _, part := range m {
			n += int64(unsafe.Sizeof(part)) + int64(len(part.Text)+len(part.Key))
		}
	})
	for _, d := range r.Do {
		n += int64(unsafe.Sizeof(d))
		if d.Set != nil {
			n += int64(unsafe.Sizeof(*d.Set))
		}
		if d.Ctl != nil {
			n += int64(unsafe.Sizeof(*d.Ctl)) + 8*int64(len(d.Ctl.Rules))
		}
	}
	return n + int64(len(r.Scores))*int64(unsafe.Sizeof(Score{}))
}

func (p *Phase) memory() int64 {
	n := int64(len(p.Rules)*4+len(p.Plan.Always)*8+len(p.Plan.Patterns)*8) + int64(len(p.Plan.Wakes))*24
	for _, w := range p.Plan.Wakes {
		n += int64(len(w)) * 4
	}
	of := func(list []Want) (n int64) {
		for _, w := range list {
			n += 32 + int64(len(w.Patterns))*8
		}
		return n
	}
	for _, w := range p.Plan.Wanted {
		if w == nil {
			continue
		}
		n += int64(unsafe.Sizeof(*w)) + of(w.All) + int64(len(w.Union))*8
		for key, list := range w.Keyed {
			n += 64 + int64(len(key)) + of(list)
		}
	}
	return n
}
