package transaction

import (
	"math/bits"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// plan is what the engine knows of a program besides. Read-only.
type plan struct {
	program *compile.Program
	set     *match.Set
	words   int // of a match.Bits
	chains  []chain
	phases  [compile.Phases]phase

	inboundScore, outboundScore int32 // slots of the scores for the record, -1 for none
}

// chain is a chain of transformations.
type chain struct {
	compile.Chain
	// needs are the kinds of bytes without which the outcome differs from the value, if at all, in the case of ASCII letters only.
	needs transform.Class
}

// phase is a phase with what is to be looked for at its start.
type phase struct {
	*compile.Phase
	words  int // of a set of positions
	wanted []wanted
}

// wanted is what to look for in the values of one variable.
type wanted struct {
	id       int32 // unique in the program, from 1
	variable seclang.Variable
	all      []compile.Want
	keyed    map[string][]compile.Want // by lower case key
	needs    transform.Class           // union of those of all
}

func newPlan(p *compile.Program) *plan {
	out := &plan{program: p, set: p.Patterns, inboundScore: slotOf(p, "blocking_inbound_anomaly_score"), outboundScore: slotOf(p, "blocking_outbound_anomaly_score")}
	if p.Patterns != nil {
		out.words = p.Patterns.Words()
	}
	for _, c := range p.Chains {
		out.chains = append(out.chains, chain{Chain: c, needs: needs(c)})
	}
	id := int32(0)
	for i := range p.Phases {
		ph := &out.phases[i]
		ph.Phase = &p.Phases[i]
		ph.words = (len(ph.Rules) + 63) / 64
		for v, w := range ph.Plan.Wanted {
			if w == nil {
				continue
			}
			id++
			ph.wanted = append(ph.wanted, out.wanted(id, seclang.Variable(v), w)) //nolint:gosec // an index of an array of variables
		}
	}
	return out
}

func slotOf(p *compile.Program, name string) int32 {
	if s, ok := p.Slot(name); ok {
		return s
	}
	return -1
}

func (p *plan) wanted(id int32, v seclang.Variable, w *compile.Wanted) wanted {
	out := wanted{id: id, variable: home(v), all: w.All}
	for _, a := range w.All {
		out.needs |= p.chains[a.Chain].needs
	}
	for key, list := range w.Keyed {
		if out.keyed == nil {
			out.keyed = map[string][]compile.Want{}
		}
		key = strings.ToLower(key)
		out.keyed[key] = append(out.keyed[key], list...)
	}
	return out
}

// needs returns the kinds of bytes that c cannot do without if it is to do more than to change the case of ASCII letters.
func needs(c compile.Chain) (out transform.Class) {
	for _, id := range c.Steps {
		t := transform.Touches(id)
		switch id.String() {
		case "lowercase", "cmdLine":
			t &^= transform.ClassUpper
		}
		out |= t
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

// home is the variable under which the values of v lie.
func home(v seclang.Variable) seclang.Variable {
	if v == seclang.VarXML {
		return seclang.VarRequestXML
	}
	return v
}
