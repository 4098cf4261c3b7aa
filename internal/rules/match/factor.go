package match

import (
	"math"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// facts is what is known of everything that a part of an expression matches.
type facts struct {
	exact    []string // all that it matches, in lower case; nil where that is too much
	open     bool     // exact is but how all that it matches begins
	alts     []string // a match that is not in exact holds one of these
	min, max int      // length in bytes; max -1: no bound
	clauses  []clause
}

// Bounds of what is kept: words of one clause, and strings of a sequence of alternatives before it is cut.
const (
	maxUnion = 1500
	maxCross = 150
	maxMarks = 12
	unbound  = -1
)

// analyser finds the facts of an expression.
type analyser struct {
	bytes bool
	evade bool // take marks that may stand between letters (e\"v'a\l) for words of their own
}

// clause returns what exact says as a clause.
func (f *facts) clause(before int) (clause, bool) {
	if f.exact == nil || shortest(f.exact) == 0 {
		return clause{}, false
	}
	far := reach(f.exact)
	if len(f.alts) > 0 {
		far = unbound
	}
	if f.max >= 0 && !f.open && far > f.max {
		far = f.max
	}
	return newClause(slices.Concat(f.exact, f.alts), plus(before, far)), true
}

// reach is how many bytes of a value a word can take at most: two characters outside ASCII fold to letters.
func reach(words []string) int {
	most := 0
	for _, w := range words {
		most = max(most, len(w)+2*strings.Count(w, "k")+strings.Count(w, "s"))
	}
	return most
}

// marks returns of each word a byte that ordinary text seldom holds; ok is false where a word has none.
func marks(words []string) (out []string, ok bool) {
	for _, w := range words {
		rare := strings.IndexFunc(w, func(r rune) bool { return r > ' ' && r < 0x7f && kindOf(byte(r)) == kindOther && byteBits(byte(r)) > 6 })
		if rare < 0 {
			return nil, false
		}
		out = append(out, w[rare:rare+1])
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out, len(out) <= maxMarks
}

// all returns f with what exact says among its clauses.
func (f facts) all() []clause {
	if c, ok := f.clause(0); ok {
		return append(f.clauses, c)
	}
	return f.clauses
}

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
	if least > 1 && least <= 8 { // x{2,} is xx and perhaps more
		subs := make([]*syntax.Regexp, least)
		for i := range subs {
			subs[i] = re.Sub[0]
		}
		f := a.concat(subs)
		f.open = f.open || most != least
		f.max = times(sub.max, most)
		return f
	}
	f := facts{min: sub.min * least, max: times(sub.max, most)}
	switch {
	case least >= 1:
		f.clauses, f.exact, f.alts = sub.clauses, sub.exact, sub.alts
		f.open = sub.open || most != least
	case most == 1 && sub.exact != nil && !sub.open && len(sub.exact) < maxCross:
		f.exact = append([]string{""}, sub.exact...)
		slices.Sort(f.exact)
		f.exact, f.alts = slices.Compact(f.exact), sub.alts
	case a.evade:
		if c, ok := best(sub.all(), false); ok {
			if alts, ok := marks(c.words); ok {
				f.exact, f.alts = []string{""}, alts
			}
		}
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
	c := chain{cur: []string{""}, whole: true}
	for _, re := range subs {
		c.append(a.of(re))
	}
	if c.whole {
		c.f.exact, c.f.alts = c.cur, c.alts
		return c.f
	}
	c.flush()
	if c.heads != nil && shortest(c.heads) > 0 {
		c.f.exact, c.f.alts, c.f.open = c.heads, c.headAlts, true
	}
	return c.f
}

// chain collects the facts of a sequence, part by part.
type chain struct {
	f        facts
	cur      []string // what stands directly before the part that comes next
	alts     []string
	from     int  // how far from the beginning cur can begin
	whole    bool // cur is all that the sequence matches so far
	heads    []string
	headAlts []string
}

// flush makes a clause of cur and begins anew.
func (c *chain) flush() {
	if shortest(c.cur) > 0 {
		g := facts{exact: c.cur, alts: c.alts, max: unbound}
		if k, ok := g.clause(c.from); ok {
			c.f.clauses = append(c.f.clauses, k)
		}
	}
	if c.whole {
		c.heads, c.headAlts = c.cur, c.alts
	}
	c.cur, c.alts, c.whole, c.from = []string{""}, nil, false, c.f.max
}

func (c *chain) append(s facts) {
	for _, k := range s.clauses {
		k.far = plus(c.f.max, k.far)
		c.f.clauses = append(c.f.clauses, k)
	}
	if len(s.exact) > 1 && len(c.alts) > 0 { // a mark that may be is there already: it need not be counted twice
		if rest, ok := marks(slices.DeleteFunc(slices.Clone(s.exact), func(w string) bool { return w == "" })); ok && s.exact[0] == "" {
			s.exact, s.alts = []string{""}, append(rest, s.alts...)
		}
	}
	n := len(c.cur) * len(s.exact)
	long := len(s.exact) > 3 && shortest(c.cur) >= 3 && longest(s.exact) == 1
	switch {
	case s.exact == nil:
		c.flush()
	case min(len(c.cur), len(s.exact)) == 1 && n <= maxUnion, n <= maxCross && !long:
		c.cur = cross(c.cur, s.exact)
		c.alts = union(c.alts, s.alts)
	default:
		c.flush()
		c.cur, c.alts = s.exact, s.alts
	}
	c.f.min, c.f.max = c.f.min+s.min, plus(c.f.max, s.max)
	if s.exact != nil && s.open {
		c.flush()
	}
	if s.exact == nil || s.open {
		c.from = c.f.max
	}
}

// union joins two sets of marks.
func union(a, b []string) []string {
	if len(b) == 0 {
		return a
	}
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
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
			f.exact, f.alts, f.open = append(f.exact, s.exact...), union(f.alts, s.alts), f.open || s.open
		}
		clauses := s.all()
		c, ok := best(clauses, false)
		anyOK = anyOK && ok && any.join(c)
		c, ok = best(clauses, true)
		nearOK = nearOK && ok && near.join(c)
	}
	if f.exact != nil {
		slices.Sort(f.exact)
		f.exact = slices.Compact(f.exact)
	} else {
		f.alts, f.open = nil, false
	}
	if anyOK {
		f.clauses = append(f.clauses, newClause(any.words, any.far))
	}
	if nearOK && (!anyOK || any.far < 0) {
		f.clauses = append(f.clauses, newClause(near.words, near.far))
	}
	return f
}
