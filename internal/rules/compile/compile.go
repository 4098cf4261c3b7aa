package compile

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Options say what is known besides the directives.
type Options struct {
	Files seclang.Files
	// Fixed are TX variables whose values are known now, by lower case name: conditions on them are folded.
	Fixed map[string]string
	// Given are TX variables that the caller sets before the first rule to values that differ from engine to engine.
	Given []string
	// Patterns are those of other programs: what is equal is not compiled again. nil: none are shared.
	Patterns *match.Cache
	// Common are directives that other programs have as well. The set of patterns begins with those of the rules that they alone come down to,
	// whether this program has the rules or not: programs that differ in exclusions have one set. Empty: each set holds what its program needs.
	Common []seclang.Directive
	Limits match.Limits
	// Kept are the ids of rules that no directive takes out or changes, each with what to do instead. Ranges of ids pass over them, to name one
	// is a fault.
	Kept map[int]string

	// Unfolded leaves everything to be decided at run time, for those who compare.
	Unfolded bool

	lists lists // of words that rules of this program, or of Common, have read
	bare  bool  // patterns are not compiled, for tests that look at the plan alone
}

// Compile makes a program of directives. With faults the program is nil. Directives with gaps are for Check.
func Compile(list []seclang.Directive, o Options) (*Program, []seclang.Fault) {
	if o.Patterns == nil {
		o.Patterns = match.NewCache()
	}
	o.lists = lists{}
	b := newBuilder(o)
	start, dropped := b.read(list)
	b.checkDropped(dropped)
	b.checkRemoved()
	b.questionCollections(dropped)
	p := b.assemble(start, dropped, common(o))
	if len(b.faults) > 0 {
		inOrder(b.faults)
		return nil, b.faults
	}
	inOrder(b.notes)
	p.Notes = b.notes
	return p, nil
}

func inOrder(list []seclang.Fault) {
	slices.SortStableFunc(list, func(x, y seclang.Fault) int {
		return cmp.Or(cmp.Compare(x.File, y.File), x.Line-y.Line, x.Column-y.Column)
	})
}

// read takes directives in and decides which of their rules are left out, by index in b.rules. start is what is known before the first one.
func (b *builder) read(list []seclang.Directive) (start state, dropped []bool) {
	for i := range list {
		b.add(&list[i])
	}
	for _, d := range b.rules {
		b.build(d, 0)
	}
	b.link()
	start = b.start()
	dropped = make([]bool, len(b.rules))
	if !b.o.Unfolded && len(b.faults) == 0 {
		f := &folder{space: space{b.slots, maxWork}, rules: b.rules, chains: b.chains, given: map[int32]bool{}, start: start}
		for _, name := range b.o.Given {
			f.given[b.slotOf(name)] = true
		}
		f.fold(b.phases())
		start, dropped = f.start, f.dropped
	}
	return start, dropped
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// start is what is known of TX variables before the first rule.
func (b *builder) start() state {
	for _, name := range sortedKeys(b.o.Fixed) {
		b.slotOf(name)
	}
	for _, name := range b.o.Given {
		b.slotOf(name)
	}
	s := newTable(len(b.slots))
	for i := captures; i < len(b.slots); i++ {
		s = s.with(int32(i), cell{know: absent})
	}
	for name, value := range b.o.Fixed {
		if i := b.slotOf(name); i >= captures {
			s = s.with(i, cell{exact, value})
		}
	}
	for _, name := range b.o.Given {
		if i := b.slotOf(name); i >= captures {
			s = s.with(i, cell{know: present})
		}
	}
	return s
}

// phases sorts the rules by phase: indexes in b.rules.
func (b *builder) phases() (out [Phases][]int) {
	for i, d := range b.rules {
		out[d.phase] = append(out[d.phase], i)
	}
	return out
}
