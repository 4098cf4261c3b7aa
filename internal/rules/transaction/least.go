package transaction

import (
	"math"
	"math/bits"

	"github.com/lunette-waf/lunette/internal/rules/match"
)

// bound works out how long a text must be for the patterns of each want.
func (p *plan) bound(list []want) {
	for i := range list {
		a := &list[i]
		a.least = math.MaxInt
		for j, b := range a.patterns {
			for ; b != 0; b &= b - 1 {
				a.least = min(a.least, p.least[j<<6+bits.TrailingZeros64(b)])
			}
		}
		a.decodes = false
		if a.few = p.set.Few(a.patterns); a.few > maxAlone {
			a.few = 0
		}
		for _, id := range p.chains[a.chain].Steps {
			one := idSet(1) << id
			a.grows = a.grows || one&p.steps.grow != 0 || a.decodes && one&p.steps.swell != 0
			a.swells = a.swells || one&p.steps.swell != 0
			a.decodes = a.decodes || one&p.steps.base64 != 0
		}
	}
}

// leastBytes returns for each pattern how many bytes a text needs at least to match.
func leastBytes(set *match.Set, words int) []int {
	least := make([]int, words*64)
	if set != nil {
		for i := range set.Len() {
			least[i] = set.Least(i)
		}
	}
	return least
}

// listed returns the patterns that are lists of words with tables of their own.
func listed(set *match.Set, words int) match.Bits {
	out := make(match.Bits, words)
	for i := range words * 64 {
		if set != nil && i < set.Len() && set.Listed(i) {
			out[i>>6] |= 1 << (i & 63)
		}
	}
	return out
}

// fewOf returns for each pattern how many automata it has, 0 where they are many or it has others.
func fewOf(set *match.Set, words int) []int8 {
	out := make([]int8, words*64)
	one := make(match.Bits, words)
	for i := range out {
		one[i>>6] = 1 << (i & 63)
		if set != nil && i < set.Len() {
			if n := set.Few(one); n <= maxAlone {
				out[i] = int8(n) //nolint:gosec // at most maxAlone
			}
		}
		one[i>>6] = 0
	}
	return out
}
