package compile

import (
	"encoding/binary"
	"slices"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// concrete lists the variables that hold the values of v themselves.
func concrete(v seclang.Variable) []seclang.Variable {
	switch v {
	case seclang.VarArgs:
		return []seclang.Variable{seclang.VarArgsGet, seclang.VarArgsPost, seclang.VarArgsPath}
	case seclang.VarArgsNames:
		return []seclang.Variable{seclang.VarArgsGetNames, seclang.VarArgsPostNames}
	}
	return []seclang.Variable{v}
}

// static reports whether the values of v are there before the first rule of a phase and stay as they are in it.
func static(v seclang.Variable) bool {
	switch v {
	case seclang.VarTX, seclang.VarRule, seclang.VarEnv, seclang.VarGeo, seclang.VarDuration, seclang.VarHighestSeverity,
		seclang.VarMatchedVar, seclang.VarMatchedVarName, seclang.VarMatchedVars, seclang.VarMatchedVarsNames,
		seclang.VarReqbodyProcessor, seclang.VarResBodyProcessor, seclang.VarSessionid, seclang.VarUserid,
		seclang.VarTime, seclang.VarTimeDay, seclang.VarTimeEpoch, seclang.VarTimeHour, seclang.VarTimeMin, seclang.VarTimeMon,
		seclang.VarTimeSec, seclang.VarTimeWday, seclang.VarTimeYear:
		return false
	}
	return !v.Persistent()
}

// wait decides which rules of a phase can wait for their pattern to be found.
func wait(list []*draft) {
	paths := false // a rule may fill ARGS_PATH in the midst of the phase
	for _, d := range list {
		for m := d; m != nil; m = m.next {
			paths = paths || m.rule.Operator.ID == seclang.OpRestpath
		}
	}
	for _, d := range list {
		r := d.rule
		d.waits = d.pattern != nil && !r.Operator.Negated && !r.MultiMatch && !slices.ContainsFunc(r.Targets, func(t Target) bool {
			return t.Count || !static(t.Variable) || paths && (t.Variable == seclang.VarArgs || t.Variable == seclang.VarArgsPath)
		})
	}
}

// patterns collects the patterns of all rules, equal ones once, and gives each rule its own.
type patterns struct {
	list  []match.Pattern
	index map[string]int32
	same  map[*match.Pattern]int32 // those that rules share: a list of words can be long
	rule  []*draft                 // by pattern: the first that has it; nil where none has
	where []uint8                  // by pattern: a bit for each Place where it is looked for
}

// collect lists the patterns of rules behind those of first.
func collect(list []*draft, first *patterns) *patterns {
	p := &patterns{index: map[string]int32{}, same: map[*match.Pattern]int32{}}
	if first != nil {
		for i := range first.list {
			p.where[p.add(nil, &first.list[i])] |= first.where[i]
		}
	}
	for _, d := range list {
		for m := d; m != nil; m = m.next {
			if m.pattern != nil {
				i := p.add(m, m.pattern)
				m.rule.Operator.Pattern = i
				p.where[i] |= 1 << PlaceOf(uint8(d.phase)) //nolint:gosec // 1 to 5
				if m.rule.Chain != 0 {
					p.where[i] |= 1 << InDerived
				}
			}
		}
	}
	return p
}

func (p *patterns) add(d *draft, one *match.Pattern) int32 {
	if i, ok := p.same[one]; ok && p.rule[i] != nil {
		return i
	}
	key := keyOf(one)
	i, ok := p.index[key]
	p.same[one] = i
	if !ok {
		i = int32(len(p.list))
		p.index[key], p.same[one] = i, i
		p.list = append(p.list, *one)
		p.rule, p.where = append(p.rule, d), append(p.where, 0)
	}
	if p.rule[i] == nil {
		p.rule[i] = d
	}
	return i
}

// keyOf spells a pattern: no two are spelt alike.
func keyOf(p *match.Pattern) string {
	text := binary.AppendUvarint([]byte{byte(p.Kind)}, uint64(len(p.Expr)))
	text = append(text, p.Expr...)
	for _, w := range p.Words {
		text = append(binary.AppendUvarint(text, uint64(len(w))), w...)
	}
	return string(text)
}

// planner makes the plan of one phase.
type planner struct {
	plan   Plan
	words  int // of match.Bits
	chains []Chain
}

// plan sorts the rules of a phase into those that always run and those that wait for a pattern.
func (b *builder) plan(list []*draft, patterns int) Plan {
	p := &planner{words: (patterns + 63) / 64, chains: b.chains}
	p.plan = Plan{Always: newBits(len(list)), Wakes: make([][]int32, patterns), Patterns: make(match.Bits, p.words)}
	for pos, d := range list {
		if !d.waits {
			setBit(p.plan.Always, pos)
			continue
		}
		i := d.rule.Operator.Pattern
		p.plan.Wakes[i] = append(p.plan.Wakes[i], int32(pos))
		setBit(p.plan.Patterns, int(i))
		for _, t := range d.rule.Targets {
			for _, v := range concrete(t.Variable) {
				p.want(v, t, d.rule.Chain, int(i))
			}
		}
	}
	p.tidy()
	return p.plan
}

// want notes that pattern is to be looked for in the values of v that t selects, behind a chain.
func (p *planner) want(v seclang.Variable, t Target, chain int32, pattern int) {
	w := p.plan.Wanted[v]
	if w == nil {
		w = &Wanted{}
		p.plan.Wanted[v] = w
	}
	if t.Key == "" { // all keys, or those that an expression selects: the rule itself looks
		w.All = p.note(w.All, chain, pattern)
		return
	}
	if w.Keyed == nil {
		w.Keyed = map[string][]Want{}
	}
	w.Keyed[t.Key] = p.note(w.Keyed[t.Key], chain, pattern)
}

func (p *planner) note(list []Want, chain int32, pattern int) []Want {
	i := slices.IndexFunc(list, func(w Want) bool { return w.Chain == chain })
	if i < 0 {
		i = len(list)
		list = append(list, Want{Chain: chain, Patterns: make(match.Bits, p.words)})
	}
	setBit(list[i].Patterns, pattern)
	return list
}

// tidy orders what is wanted by chain, so that parents come first, and takes from Keyed what is looked for in every value.
func (p *planner) tidy() {
	for _, w := range p.plan.Wanted {
		if w == nil {
			continue
		}
		byChain := func(a, b Want) int { return int(a.Chain - b.Chain) }
		slices.SortFunc(w.All, byChain)
		w.Union = make(match.Bits, p.words)
		w.Touches = 0
		for _, one := range w.All {
			w.Touches |= p.chains[one.Chain].Touches
			for k, bits := range one.Patterns {
				w.Union[k] |= bits
			}
		}
		for key, list := range w.Keyed {
			list = p.besides(list, w.All)
			slices.SortFunc(list, byChain)
			if w.Keyed[key] = list; len(list) == 0 {
				delete(w.Keyed, key)
			}
		}
	}
}

// besides takes out of list what all has.
func (p *planner) besides(list, all []Want) []Want {
	for i := range list {
		for _, a := range all {
			if a.Chain == list[i].Chain {
				for k := range a.Patterns {
					list[i].Patterns[k] &^= a.Patterns[k]
				}
			}
		}
	}
	return slices.DeleteFunc(list, func(w Want) bool { return !slices.ContainsFunc(w.Patterns, func(b uint64) bool { return b != 0 }) })
}
