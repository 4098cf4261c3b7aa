package match

// Nanoseconds a byte, measured by BenchmarkCost: a step of an automaton whose rows lie in the nearest cache, one whose rows do not,
// a position of a simulation, and std regexp.
const (
	costNear  = 1.5
	costFar   = 4
	costWord  = 4
	costStd   = 120
	nearTable = 256 << 10
)

// Cost is the bound of the time that pattern i takes for a value, in nanoseconds a byte on a processor of 2020's, as measured by make bench-match.
func (s *Set) Cost(i int) float64 {
	cost := 2.0
	p := &s.patterns[i]
	for u := p.from; u < p.to; u++ {
		a := s.units[u].auto
		switch {
		case a.d != nil && a.d.memory() <= nearTable:
			cost += costNear
		case a.d != nil:
			cost += costFar
		case a.m != nil:
			cost += costWord * float64(a.m.words) * 4
		default:
			cost += costStd
		}
	}
	return cost
}
