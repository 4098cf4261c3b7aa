package transaction

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// plan is what the engine knows of a program besides. Read-only.
type plan struct {
	program *compile.Program
	set     *match.Set
	lists   match.Bits // patterns that no text that was made is searched for but by themselves
	words   int        // of a match.Bits
	chains  []chain
	steps   *steps
	ids     int32 // wanted ones in all
	phases  [compile.Phases]phase

	least []int                       // by pattern: bytes that a text needs to match
	few   []int8                      // by pattern: its automata, where it is cheap to run them without a look for candidates; else 0
	slots map[*compile.Target][]int32 // of TX targets with an expression: the slots whose names match

	inboundScore, outboundScore int32 // slots of the scores for the record, -1 for none
}

// chain is a chain of transformations.
type chain struct {
	compile.Chain
	ids idSet // its steps
}

// phase is a phase with what is to be looked for at its start.
type phase struct {
	rules  []int32 // as compile.Phase.Rules
	words  int     // of a set of positions
	always []uint64
	wakes  [][]waker // by pattern
	wanted []wanted
}

// waker is a rule that wakes when its pattern is found behind a chain.
type waker struct {
	pos   int32
	chain int32
}

// want is patterns to look for behind a chain.
type want struct {
	chain    int32
	patterns match.Bits
	least    int  // bytes that a text needs for one of them to match
	grows    bool // a step of the chain may make a text longer
	swells   bool // or one that holds bytes of certain kinds
	decodes  bool // a step takes base64: the text gets shorter by a quarter
	few      int  // automata of the patterns, where they are so few that they are run without a look for candidates; else 0
}

// wanted is what to look for in the values of one variable.
type wanted struct {
	id       int32 // unique in the program, from 1
	variable seclang.Variable
	all      []want
	keyed    map[string][]want // by lower case key
	lengths  uint64            // of these keys: a bit for each, the last for all beyond
	ids      idSet             // of the chains of all
}

func newPlan(p *compile.Program) *plan {
	out := &plan{program: p, set: p.Patterns, steps: newSteps(), inboundScore: slotOf(p, "blocking_inbound_anomaly_score"), outboundScore: slotOf(p, "blocking_outbound_anomaly_score")}
	if p.Patterns != nil {
		out.words = p.Patterns.Words()
	}
	for _, c := range p.Chains {
		out.chains = append(out.chains, chain{Chain: c, ids: idsOf(c)})
	}
	out.least = leastBytes(p.Patterns, out.words)
	out.few = fewOf(p.Patterns, out.words)
	out.lists = listed(p.Patterns, out.words)
	out.slots = map[*compile.Target][]int32{}
	for i := range p.Rules {
		for r := &p.Rules[i]; r != nil; r = r.Next {
			out.findSlots(r.Targets)
		}
	}
	for i := range p.Phases {
		out.phases[i] = out.newPhase(&p.Phases[i])
	}
	for i, id := range out.phases {
		for j := range id.wanted {
			out.phases[i].wanted[j].id = out.ids + int32(j) + 1 //nolint:gosec // a few hundred
		}
		out.ids += int32(len(id.wanted)) //nolint:gosec // a few hundred
	}
	return out
}

// newPhase takes over the plan of a phase. Rules with multiMatch, which the plan lets run always, wait here for their pattern too: it is
// looked for behind each step of their chain.
func (p *plan) newPhase(from *compile.Phase) phase {
	ph := phase{rules: from.Rules, words: (len(from.Rules) + 63) / 64, always: slices.Clone(from.Plan.Always)}
	ph.wakes = make([][]waker, p.words*64)
	for i, list := range from.Plan.Wakes {
		for _, pos := range list {
			ph.wakes[i] = append(ph.wakes[i], waker{pos: pos, chain: p.program.Rules[ph.rules[pos]].Chain})
		}
	}
	for v, w := range from.Plan.Wanted {
		if w == nil {
			continue
		}
		one := ph.of(seclang.Variable(v)) //nolint:gosec // an index of an array of variables
		for _, a := range w.All {
			one.all = append(one.all, want{chain: a.Chain, patterns: slices.Clone(a.Patterns)})
		}
		for key, list := range w.Keyed {
			for _, a := range list {
				one.key(strings.ToLower(key), a.Chain, a.Patterns)
			}
		}
	}
	fixed := !p.fillsPath(&ph)
	for pos, index := range ph.rules {
		if r := &p.program.Rules[index]; fixed && has(ph.always, int32(pos)) && waits(r) { //nolint:gosec // a position
			p.wait(&ph, int32(pos), r) //nolint:gosec // a position
		}
	}
	ph.tidy(p.chains)
	for i := range ph.wanted {
		p.bound(ph.wanted[i].all)
		for _, list := range ph.wanted[i].keyed {
			p.bound(list)
		}
	}
	return ph
}

// tidy orders what is wanted by chain, so that parents come first.
func (ph *phase) tidy(chains []chain) {
	for i := range ph.wanted {
		w := &ph.wanted[i]
		slices.SortStableFunc(w.all, func(a, b want) int { return int(a.chain - b.chain) })
		for _, a := range w.all {
			w.ids |= chains[a.chain].ids
		}
	}
}

// fillsPath reports whether a rule of the phase may fill ARGS_PATH in its midst.
func (p *plan) fillsPath(ph *phase) bool {
	for _, index := range ph.rules {
		for r := &p.program.Rules[index]; r != nil; r = r.Next {
			if r.Operator.ID == seclang.OpRestpath {
				return true
			}
		}
	}
	return false
}

// waits reports whether a rule with multiMatch can wait for its pattern: all it looks at is there before the phase begins, and stays.
func waits(r *compile.Rule) bool {
	if !r.MultiMatch || r.Operator.Pattern < 0 || r.Operator.Negated || len(r.Targets) == 0 {
		return false
	}
	for i := range r.Targets {
		switch t := &r.Targets[i]; t.Variable {
		case seclang.VarArgs, seclang.VarArgsGet, seclang.VarArgsPost, seclang.VarArgsNames, seclang.VarArgsGetNames, seclang.VarArgsPostNames,
			seclang.VarRequestHeaders, seclang.VarRequestHeadersNames, seclang.VarRequestCookies, seclang.VarRequestCookiesNames,
			seclang.VarRequestFilename, seclang.VarRequestBasename, seclang.VarRequestURI, seclang.VarRequestURIRaw, seclang.VarRequestLine,
			seclang.VarQueryString, seclang.VarRequestBody, seclang.VarFiles, seclang.VarFilesNames, seclang.VarRequestXML,
			seclang.VarMultipartFilename, seclang.VarMultipartName, seclang.VarMultipartPartHeaders, seclang.VarResponseBody, seclang.VarResponseHeaders:
			if t.Count {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// wait makes the rule at pos wait for its pattern.
func (p *plan) wait(ph *phase, pos int32, r *compile.Rule) {
	ph.always[pos>>6] &^= 1 << (uint(pos) & 63)
	only := make(match.Bits, p.words)
	only[r.Operator.Pattern>>6] = 1 << (uint(r.Operator.Pattern) & 63)
	for c := r.Chain; ; c = p.chains[c].Parent {
		ph.wakes[r.Operator.Pattern] = append(ph.wakes[r.Operator.Pattern], waker{pos: pos, chain: c})
		for i := range r.Targets {
			t := &r.Targets[i]
			of, n := parts(t.Variable)
			for _, v := range of[:n] {
				w := ph.of(v)
				if t.Key != "" && t.Regexp == nil {
					w.key(strings.ToLower(t.Key), c, only)
				} else {
					w.all = wants(w.all, c, only)
				}
			}
		}
		if c == 0 {
			return
		}
	}
}

// of returns what is wanted in the values of v.
func (ph *phase) of(v seclang.Variable) *wanted {
	for i := range ph.wanted {
		if ph.wanted[i].variable == v {
			return &ph.wanted[i]
		}
	}
	ph.wanted = append(ph.wanted, wanted{variable: v})
	return &ph.wanted[len(ph.wanted)-1]
}

func (w *wanted) key(key string, chain int32, patterns match.Bits) {
	if w.keyed == nil {
		w.keyed = map[string][]want{}
	}
	w.keyed[key] = wants(w.keyed[key], chain, patterns)
	w.lengths |= lengthBit(key)
}

// lengthBit is the bit of a key's length: most keys are told apart by it from those that somebody wants.
func lengthBit(key string) uint64 { return 1 << min(len(key), 63) }

// wants adds patterns to what list looks for behind chain.
func wants(list []want, chain int32, patterns match.Bits) []want {
	for i := range list {
		if list[i].chain == chain {
			for j, b := range patterns {
				list[i].patterns[j] |= b
			}
			return list
		}
	}
	return append(list, want{chain: chain, patterns: slices.Clone(patterns)})
}

// findSlots notes which TX variables targets with an expression mean.
func (p *plan) findSlots(targets []compile.Target) {
	for i := range targets {
		t := &targets[i]
		if t.Variable != seclang.VarTX || t.Regexp == nil {
			continue
		}
		for slot, name := range p.program.Slots {
			if t.Regexp.Match(name) {
				p.slots[t] = append(p.slots[t], int32(slot)) //nolint:gosec // a few hundred
			}
		}
	}
}

func slotOf(p *compile.Program, name string) int32 {
	if s, ok := p.Slot(name); ok {
		return s
	}
	return -1
}

func idsOf(c compile.Chain) (out idSet) {
	for _, id := range c.Steps {
		out |= 1 << id
	}
	return out
}

// next returns the first position from pos on that is in set, or -1.
func next(set []uint64, pos int) int {
	i := pos >> 6
	if i >= len(set) {
		return -1
	}
	w := set[i] &^ (1<<(uint(pos)&63) - 1)
	for w == 0 {
		if i++; i >= len(set) {
			return -1
		}
		w = set[i]
	}
	return i<<6 + bits.TrailingZeros64(w)
}

func has(set []uint64, i int32) bool {
	return int(i>>6) < len(set) && set[i>>6]&(1<<(uint(i)&63)) != 0
}
