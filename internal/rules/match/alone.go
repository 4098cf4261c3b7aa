package match

import "math/bits"

// Len returns how many patterns the set has.
func (s *Set) Len() int { return len(s.patterns) }

// wordsAlone is how many automata a list of words costs as much as.
const wordsAlone = 2

// Few returns how many automata Alone runs for want, one after the other; 0 where it cannot, for one of them has none.
func (s *Set) Few(want Bits) (n int) {
	for i, w := range want {
		for ; w != 0; w &= w - 1 {
			p := &s.patterns[i<<6|bits.TrailingZeros64(w)]
			if s.always[i]&w&-w != 0 || p.kind == Words && p.words.own == nil {
				return 0
			}
			if p.kind == Words {
				n += wordsAlone
				continue
			}
			for u := p.from; u < p.to; u++ {
				if n++; s.units[u].auto.d == nil {
					return 0
				}
			}
		}
	}
	return n
}

// Alone is Verify without a look for candidates, for few patterns.
func (s *Set) Alone(x *Scratch, value string, want, hits Bits) {
	for i, w := range want {
		hits[i] &^= w
		for ; w != 0; w &= w - 1 {
			p := &s.patterns[i<<6|bits.TrailingZeros64(w)]
			if p.kind == Words {
				if p.words.own.any(&x.block, value) {
					hits[i] |= w & -w
				}
				continue
			}
			for u := p.from; u < p.to; u++ {
				t := &s.units[u]
				if len(value) < t.least {
					continue
				}
				if t.auto.d.wide == nil && len(value) >= lanesFrom {
					x.runs = append(x.runs, run{t.auto.d, value, hits, int32(i<<6 | bits.TrailingZeros64(w))})
				} else if t.auto.d.matches(value) {
					hits[i] |= w & -w
					break
				}
			}
		}
	}
}
