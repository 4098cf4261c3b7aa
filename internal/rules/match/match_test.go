package match

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"rsc.io/binaryregexp"
)

// oracle is what the engine that rules were written for uses.
type oracle interface {
	MatchString(string) bool
	FindStringSubmatchIndex(string) []int
}

func oracleOf(expr string) (oracle, error) {
	if spellsBytes(expr) {
		return binaryregexp.Compile(expr)
	}
	return regexp.Compile("(?sm)" + expr)
}

func newSet(t testing.TB, patterns ...Pattern) *Set {
	t.Helper()
	s, errs := New(patterns, Limits{})
	for _, e := range errs {
		t.Errorf("pattern %d: %v", e.Index, e.Err)
	}
	if s == nil {
		t.FailNow()
	}
	return s
}

func full(s *Set) Bits {
	b := make(Bits, s.Words())
	for i := range s.patterns {
		b[i>>6] |= 1 << (i & 63)
	}
	return b
}

// member makes a string that re matches, most of the time.
func member(r *rand.Rand, re *syntax.Regexp, out *strings.Builder) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 {
				switch {
				case r.IntN(24) == 0 && (c|32 == 'k'):
					c = 0x212A
				case r.IntN(24) == 0 && (c|32 == 's'):
					c = 0x17F
				case r.IntN(2) == 0 && c >= 'A' && c <= 'Z':
					c |= 32
				}
			}
			out.WriteRune(c)
		}
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			i := r.IntN(len(re.Rune)/2) * 2
			out.WriteRune(re.Rune[i] + r.Int32N(min(re.Rune[i+1]-re.Rune[i], 300)+1))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteString([]string{"a", " ", "'", "é", "\xff", "0", "="}[r.IntN(7)])
	case syntax.OpCapture, syntax.OpConcat:
		for _, s := range re.Sub {
			member(r, s, out)
		}
	case syntax.OpAlternate:
		member(r, re.Sub[r.IntN(len(re.Sub))], out)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		low, high := re.Min, re.Max
		switch re.Op {
		case syntax.OpStar:
			low, high = 0, 4
		case syntax.OpPlus:
			low, high = 1, 4
		case syntax.OpQuest:
			low, high = 0, 1
		}
		if high < 0 || high > low+4 {
			high = low + 4
		}
		for range low + r.IntN(high-low+1) {
			member(r, re.Sub[0], out)
		}
	}
}

// mutate changes a value at one place.
func mutate(r *rand.Rand, v string) string {
	if v == "" {
		return "x"
	}
	i := r.IntN(len(v))
	junk := []string{"\n", "\xc5\xbf", "\xe2\x84\xaa", "\xff", "'", " ", "a", "é", "\xe2\x84", ""}[r.IntN(10)]
	switch r.IntN(3) {
	case 0:
		return v[:i] + junk + v[i+1:]
	case 1:
		return v[:i] + junk + v[i:]
	}
	return v[:i] + string(v[i]^32) + v[i+1:]
}

func TestCRSDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rules := crsRules(t)
	var patterns []Pattern
	var oracles []oracle
	var trees []*syntax.Regexp
	var ids []string
	for _, rule := range rules {
		if rule.p.Kind != Regexp {
			continue
		}
		o, err := oracleOf(rule.p.Expr)
		if err != nil {
			t.Fatal(err)
		}
		re, _, _ := parse(rule.p.Expr)
		patterns, oracles, trees, ids = append(patterns, rule.p), append(oracles, o), append(trees, re), append(ids, rule.id)
	}
	s := newSet(t, patterns...)
	t.Logf("%d patterns, %d units, %d words, %d bytes", len(patterns), len(s.units), len(s.filter.words), s.Memory())
	x := &Scratch{}
	want, hits, may := full(s), make(Bits, s.Words()), make(Bits, s.Words())
	positive := 0
	for i, tree := range trees {
		rounds := 30
		if testing.Short() {
			rounds = 5
		}
		for range rounds {
			var b strings.Builder
			member(r, tree, &b)
			v := b.String()
			if len(v) > 3000 {
				v = v[:3000]
			}
			if r.IntN(3) == 0 {
				v = "fo o=" + v + " bar"
			}
			if r.IntN(2) == 0 {
				v = mutate(r, v)
			}
			s.Candidates(x, v, may)
			s.Verify(x, v, want, hits)
			x.Settle()
			for _, j := range []int{i, r.IntN(len(patterns))} {
				ref := oracles[j].MatchString(v)
				if ref {
					positive++
				}
				got := hits[j>>6]>>(j&63)&1 != 0
				if got != ref {
					t.Errorf("%s on %q: got %v, want %v (candidate %v)", ids[j], v, got, ref, may[j>>6]>>(j&63)&1)
				}
				if ref && may[j>>6]>>(j&63)&1 == 0 {
					t.Errorf("%s on %q: no candidate", ids[j], v)
				}
				if ref && r.IntN(4) == 0 {
					if f, w := s.Find(x, j, v, nil), oracles[j].FindStringSubmatchIndex(v); !equalInts(f, w) {
						t.Errorf("%s on %q: Find %v, want %v", ids[j], v, f, w)
					}
				}
			}
		}
	}
	if positive < 1000 {
		t.Errorf("only %d matches were compared", positive)
	}
	t.Log(positive)
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
