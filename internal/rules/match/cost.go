package match

// Nanoseconds a byte on the worst values that test/benchmatch found, rounded up: the pass over a value full of words; an automaton whose rows stay in
// the nearest cache, and one whose rows do not; a part of a cascade, and one of its last parts; 64 positions of a simulation, and of one at the end
// of a cascade; std regexp.
const (
	costPass  = 25
	costNear  = 2
	costFar   = 4
	costStage = 8
	costFinal = 0.25
	costWords = 10
	costCount = 6.7
	costStd   = 120
	nearTable = 256 << 10
)

// Cost is the bound of the time that pattern i takes for a value, in nanoseconds a byte on a processor of 2020's, as measured by test/benchmatch.
// It is above 100 where a pattern needs std regexp, or simulations of thousands of positions.
func (s *Set) Cost(i int) float64 {
	cost := float64(costPass)
	p := &s.patterns[i]
	for u := p.from; u < p.to; u++ {
		cost += s.units[u].auto.cost()
	}
	return cost
}

func (a *automaton) cost() float64 {
	switch {
	case a.d != nil && a.d.memory() <= nearTable:
		return costNear
	case a.d != nil:
		return costFar
	case a.c != nil:
		cost := costStage*float64(len(a.c.stages)) + costFinal*float64(len(a.c.finals))
		for _, m := range a.c.counts {
			cost += costCount * float64(m.words)
		}
		return cost
	case a.p != nil: // behind its bound of reads the simulation takes over
		return costFar + maxReads*costNear + costWords*float64(a.m.words)
	case a.m != nil:
		return costWords * float64(a.m.words)
	}
	return costStd
}
