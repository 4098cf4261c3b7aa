package match

import (
	"math"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clause is a set of words of which every match holds at least one, in lower case.
type clause struct {
	words []string
	far   int     // the farthest that the end of the word can be from the beginning of the match, in bytes; -1: no bound
	bits  float64 // how rare it is for ordinary text to hold one of them: 2^-bits for each byte
}

// facts is what is known of everything that a part of an expression matches.
type facts struct {
	exact    []string // all that it matches, in lower case; nil where that is too much
	min, max int      // length in bytes; max -1: no bound
	clauses  []clause
}

// Bounds of what is kept: words of one clause, and strings of a sequence of alternatives before it is cut.
const (
	maxUnion = 1500
	maxCross = 150
	unbound  = -1
)

// analyser finds the facts of an expression.
type analyser struct{ bytes bool }

// width returns how many bytes the characters of ranges take at most.
func (a analyser) width(r rune) int {
	if a.bytes {
		return 1
	}
	if r >= 0xd800 && r <= 0xdfff {
		return 3
	}
	return utf8.RuneLen(r)
}

// narrow is the least of bytes for the characters from lo to hi: a byte that is no UTF-8 counts as U+FFFD.
func (a analyser) narrow(lo, hi rune) int {
	if lo <= utf8.RuneError && utf8.RuneError <= hi {
		return 1
	}
	return a.width(lo)
}

// fold returns the text of a character as the filter sees it.
func (a analyser) fold(r rune) string {
	switch {
	case a.bytes && r > 0xff:
		return ""
	case a.bytes && r >= utf8.RuneSelf:
		return string([]byte{byte(r)})
	case r == 0x212A && !a.bytes:
		return "k"
	case r == 0x17F && !a.bytes:
		return "s"
	case r >= 'A' && r <= 'Z':
		return string(r + 32)
	}
	return string(r)
}

func (a analyser) of(re *syntax.Regexp) facts {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return facts{exact: []string{""}}
	case syntax.OpLiteral:
		return a.literal(re)
	case syntax.OpCharClass:
		return a.class(re)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return facts{min: 1, max: a.width(utf8.MaxRune)}
	case syntax.OpCapture:
		return a.of(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return a.repeat(re)
	case syntax.OpConcat:
		return a.concat(re.Sub)
	case syntax.OpAlternate:
		return a.alternate(re.Sub)
	}
	return facts{} // OpNoMatch: nothing, of length 0
}

func (a analyser) literal(re *syntax.Regexp) facts {
	f := facts{exact: []string{""}}
	for _, r := range re.Rune {
		if r == utf8.RuneError && !a.bytes { // any byte that is no UTF-8 will do: there is no text to look for
			return facts{min: 1, max: unbound}
		}
		low, high := a.width(r), a.width(r)
		texts := []string{a.fold(r)}
		if re.Flags&syntax.FoldCase != 0 {
			for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
				if a.bytes && c > 0xff {
					continue
				}
				low, high = min(low, a.width(c)), max(high, a.width(c))
				texts = append(texts, a.fold(c))
			}
		}
		slices.Sort(texts)
		f.min, f.max = f.min+low, f.max+high
		f.exact = cross(f.exact, slices.Compact(texts)) // folding leaves but one, or two outside ASCII: bounded below
		if len(f.exact) > maxUnion {
			return facts{max: unbound}
		}
	}
	return f
}

func (a analyser) class(re *syntax.Regexp) facts {
	f := facts{min: 4}
	var texts []string
	for i := 0; i < len(re.Rune); i += 2 {
		lo, hi := re.Rune[i], re.Rune[i+1]
		f.min, f.max = min(f.min, a.narrow(lo, hi)), max(f.max, a.width(hi))
		for r := lo; r <= hi && len(texts) <= 64; r++ {
			if r == utf8.RuneError && !a.bytes {
				return facts{min: 1, max: a.width(utf8.MaxRune)}
			}
			if t := a.fold(r); t != "" {
				texts = append(texts, t)
			}
		}
	}
	if len(texts) > 0 && len(texts) <= 64 {
		slices.Sort(texts)
		f.exact = slices.Compact(texts)
	}
	return f
}

func (a analyser) repeat(re *syntax.Regexp) facts {
	least, most := re.Min, re.Max
	switch re.Op {
	case syntax.OpStar:
		least, most = 0, -1
	case syntax.OpPlus:
		least, most = 1, -1
	case syntax.OpQuest:
		least, most = 0, 1
	}
	sub := a.of(re.Sub[0])
	if least >= 1 && least <= 8 && (least > 1 || most != 1) { // x{2,} is xx and perhaps more
		subs := make([]*syntax.Regexp, least)
		for i := range subs {
			subs[i] = re.Sub[0]
		}
		f := a.concat(subs)
		if most != least {
			if f.exact != nil {
				f.clauses = append(f.clauses, newClause(f.exact, f.max))
			}
			f.exact = nil
		}
		f.max = times(sub.max, most)
		return f
	}
	f := facts{min: sub.min * least, max: times(sub.max, most)}
	switch {
	case least == 0 && most == 1 && sub.exact != nil && len(sub.exact) < maxCross:
		f.exact = append([]string{""}, sub.exact...)
		slices.Sort(f.exact)
		f.exact = slices.Compact(f.exact)
	case least >= 1:
		if sub.exact != nil {
			sub.clauses = append(sub.clauses, newClause(sub.exact, sub.max))
		}
		f.clauses = sub.clauses
	}
	return f
}

func times(n, by int) int {
	if n == 0 {
		return 0
	}
	if n < 0 || by < 0 || n*by > 4096 {
		return unbound
	}
	return n * by
}

func plus(a, b int) int {
	if a < 0 || b < 0 || a+b > 4096 {
		return unbound
	}
	return a + b
}

func cross(a, b []string) []string {
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

func (a analyser) concat(subs []*syntax.Regexp) facts {
	var f facts
	cur := []string{""} // what stands directly before the part that comes next
	whole := true
	flush := func(end int) {
		if shortest(cur) > 0 {
			f.clauses = append(f.clauses, newClause(cur, end))
		}
	}
	for _, re := range subs {
		s := a.of(re)
		switch {
		case s.exact == nil:
			flush(f.max)
			for _, c := range s.clauses {
				c.far = plus(f.max, c.far)
				f.clauses = append(f.clauses, c)
			}
			cur, whole = []string{""}, false
		case min(len(cur), len(s.exact)) == 1, len(cur)*len(s.exact) <= maxCross && !(len(s.exact) > 3 && shortest(cur) >= 5):
			cur = cross(cur, s.exact)
		case len(s.exact) > 1 && len(s.exact) <= len(cur) && longest(s.exact) <= 1 && shortest(cur) >= 2:
			// a class behind words that are good already: what comes then begins anew
			flush(f.max)
			cur, whole = []string{""}, false
			if len(s.exact) <= 12 {
				cur = s.exact
			}
		default:
			flush(f.max)
			cur, whole = s.exact, false
		}
		f.min, f.max = f.min+s.min, plus(f.max, s.max)
	}
	if whole {
		f.exact = cur
		return f
	}
	flush(f.max)
	return f
}

func shortest(words []string) int {
	n := math.MaxInt
	for _, w := range words {
		n = min(n, len(w))
	}
	return n
}

func longest(words []string) int {
	n := 0
	for _, w := range words {
		n = max(n, len(w))
	}
	return n
}

func (a analyser) alternate(subs []*syntax.Regexp) facts {
	f := facts{min: math.MaxInt, exact: []string{}}
	var any, near clause
	anyOK, nearOK := true, true
	for _, re := range subs {
		s := a.of(re)
		if s.exact == nil && len(s.clauses) == 0 && s.max == 0 && re.Op == syntax.OpNoMatch {
			continue
		}
		f.min = min(f.min, s.min)
		if f.max >= 0 {
			f.max = max(f.max, s.max)
		}
		if s.max < 0 {
			f.max = unbound
		}
		if s.exact == nil || f.exact == nil || len(f.exact)+len(s.exact) > maxUnion {
			f.exact = nil
		} else {
			f.exact = append(f.exact, s.exact...)
		}
		if s.exact != nil && shortest(s.exact) > 0 {
			s.clauses = append(s.clauses, newClause(s.exact, s.max))
		}
		c, ok := best(s.clauses, false)
		anyOK = anyOK && ok && union(&any, c)
		c, ok = best(s.clauses, true)
		nearOK = nearOK && ok && union(&near, c)
	}
	if f.exact != nil {
		slices.Sort(f.exact)
		f.exact = slices.Compact(f.exact)
		return f
	}
	if anyOK {
		f.clauses = append(f.clauses, newClause(any.words, any.far))
	}
	if nearOK && (!anyOK || any.far < 0) {
		f.clauses = append(f.clauses, newClause(near.words, near.far))
	}
	return f
}

// union adds c to sum; false where that gets too much.
func union(sum *clause, c clause) bool {
	if len(sum.words) == 0 {
		*sum = clause{words: slices.Clone(c.words), far: c.far}
		return true
	}
	sum.words = append(sum.words, c.words...)
	if c.far < 0 || sum.far < 0 {
		sum.far = unbound
	} else {
		sum.far = max(sum.far, c.far)
	}
	return len(sum.words) <= maxUnion
}

// best returns the rarest clause, of those with a bound where near.
func best(clauses []clause, near bool) (c clause, ok bool) {
	for _, d := range clauses {
		if (!near || d.far >= 0) && (!ok || d.bits > c.bits) {
			c, ok = d, true
		}
	}
	return c, ok
}

// newClause makes a clause of words, without those that hold another of them.
func newClause(words []string, far int) clause {
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	words = slices.Compact(words)
	kept := make([]string, 0, len(words))
	for _, w := range words {
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.Contains(w, k) }) {
			kept = append(kept, w)
		}
	}
	c := clause{words: kept, far: far}
	p := 0.0
	for _, w := range kept {
		p += math.Exp2(-rarity(w))
	}
	c.bits = -math.Log2(p)
	return c
}

// rarity estimates how rare a word is in ordinary values: -log2 of its frequency at a place.
func rarity(w string) float64 {
	b := 0.0
	for i := range len(w) {
		b += byteBits(w[i])
	}
	return b
}

func byteBits(c byte) float64 {
	switch {
	case c >= 'a' && c <= 'z':
		if strings.IndexByte("etaoinsrlcd", c) >= 0 {
			return 4
		}
		return 5.5
	case c >= '0' && c <= '9', c == ' ', c == '/', c == '.', c == '-', c == '_', c == '=', c == ':':
		return 5
	case c == '\n', c == '\r', c == ',', c == ';', c == '"', c == '&', c == '(', c == ')', c == '+', c == '\'':
		return 6.5
	}
	return 9
}
