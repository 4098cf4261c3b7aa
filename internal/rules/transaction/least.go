package transaction

import (
	"math"
	"math/bits"
	"regexp/syntax"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
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
func leastBytes(p *compile.Program, words int) []int {
	least := make([]int, words*64)
	for i := range p.Rules {
		for r := &p.Rules[i]; r != nil; r = r.Next {
			o := &r.Operator
			if o.Pattern < 0 {
				continue
			}
			switch o.ID {
			case seclang.OpRx:
				least[o.Pattern] = leastOf(o.Text)
			case seclang.OpPm:
				least[o.Pattern] = leastWord(o.Text)
			}
		}
	}
	return least
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

// leastOf returns how many characters a text needs at least to match an expression: each takes a byte or more.
func leastOf(expr string) int {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return 0
	}
	return leastIn(re)
}

func leastIn(re *syntax.Regexp) (n int) {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return leastIn(re.Sub[0])
	case syntax.OpRepeat:
		return min(re.Min*leastIn(re.Sub[0]), 1<<20)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			n = min(n+leastIn(sub), 1<<20)
		}
		return n
	case syntax.OpAlternate:
		n = leastIn(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			n = min(n, leastIn(sub))
		}
		return n
	}
	return 0
}

func leastWord(text string) int {
	n := len(text)
	for word := range strings.SplitSeq(text, " ") {
		n = min(n, len(word))
	}
	return n
}
