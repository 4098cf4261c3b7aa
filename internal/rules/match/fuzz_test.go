package match

import (
	"strings"
	"testing"
)

// FuzzMatch compares any pattern on any value with what std regexp says, in a set with other patterns; FuzzFind where it matches.
func FuzzMatch(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, expr, value string) {
		if len(expr) > 200 || len(value) > 4000 {
			return
		}
		o, err := oracleOf(expr)
		s, errs := New([]Pattern{{Expr: expr}, {Kind: Words, Words: []string{"select", "\xc5\xbf"}}, {Expr: `(?i)\bunion\b.*k`}}, Limits{States: 300})
		if (err != nil) != (errs != nil) {
			t.Fatalf("%q: New says %v, std %v", expr, errs, err)
		}
		if err != nil {
			return
		}
		want := o.MatchString(value)
		x, hits, may := &Scratch{}, Bits{0}, Bits{0}
		s.Scan(x, value, Bits{7}, hits)
		if got := hits[0]&1 != 0; got != want {
			t.Errorf("%q on %q: got %v, want %v", expr, value, got, want)
		}
		s.Candidates(x, lowered(value), may)
		if want && may[0]&1 == 0 {
			t.Errorf("%q on %q in lower case: no candidate", expr, value)
		}
		s.Verify(x, value, Bits{1}, hits)
		x.Settle()
		if got := hits[0]&1 != 0; got != want {
			t.Errorf("%q on %q after its lower case: got %v, want %v", expr, value, got, want)
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, expr, value string) {
		if len(expr) > 200 || len(value) > 2000 {
			return
		}
		o, err := oracleOf(expr)
		if err != nil {
			return
		}
		s, errs := New([]Pattern{{Expr: expr}}, Limits{})
		if errs != nil {
			t.Fatal(errs)
		}
		if got, want := s.Find(&Scratch{}, 0, value, nil), o.FindStringSubmatchIndex(value); !equalInts(got, want) {
			t.Errorf("%q on %q: got %v, want %v", expr, value, got, want)
		}
	})
}

// FuzzWords compares lists of words with the plain way to find them.
func FuzzWords(f *testing.F) {
	f.Add("select from union", "SELECT a FROM b")
	f.Add("a ab abc bc", "xabcabx")
	f.Add("\xc5\xbf k", "\xe2\x84\xaa\xc5\xbf")
	f.Fuzz(func(t *testing.T, list, value string) {
		words := strings.Split(strings.ToLower(list), " ")
		for _, w := range words {
			if w == "" {
				return
			}
		}
		if len(list) > 300 {
			return
		}
		want := plainWords(words, value)
		s, errs := New([]Pattern{{Kind: Words, Words: words}}, Limits{})
		if errs != nil {
			t.Fatal(errs)
		}
		x, hits := &Scratch{}, Bits{0}
		s.Scan(x, value, Bits{1}, hits)
		if got := hits[0] != 0; got != (want != nil) {
			t.Errorf("%q on %q: got %v, want %v", words, value, got, want)
		}
		if got := s.Find(x, 0, value, nil); !equalInts(got, want) {
			t.Errorf("%q on %q: got %v, want %v", words, value, got, want)
		}
	})
}

// plainWords returns the longest word at each place of value, ten at most.
func plainWords(words []string, value string) (out []int) {
	low := lowered(value)
	for i := range low {
		longest := 0
		for _, w := range words {
			if w = lowered(w); strings.HasPrefix(low[i:], w) {
				longest = max(longest, len(w))
			}
		}
		if longest > 0 && len(out) < 2*maxWords {
			out = append(out, i, i+longest)
		}
	}
	return out
}

// What the library finds that Coraza uses, asked for leftmost and longest words.
func TestWordsAsCoraza(t *testing.T) {
	for _, c := range []struct {
		words []string
		value string
		want  []int
	}{
		{[]string{"a", "ab", "abc", "bc"}, "xabcabx", []int{1, 4, 2, 4, 4, 6}},
		{[]string{"a", "ab", "abc", "bc"}, "aaaa", []int{0, 1, 1, 2, 2, 3, 3, 4}},
		{[]string{"aa"}, "aaaa", []int{0, 2, 1, 3, 2, 4}},
		{[]string{"aa"}, "zzz", nil},
	} {
		s := newSet(t, Pattern{Kind: Words, Words: c.words})
		if got := s.Find(&Scratch{}, 0, c.value, nil); !equalInts(got, c.want) {
			t.Errorf("%q in %q: got %v, want %v", c.words, c.value, got, c.want)
		}
	}
}

// seeds are patterns with values that have gone wrong, or could.
func seeds() [][2]string {
	return [][2]string{
		{`(?i)select.*from`, "sele\xc5\xbfct \xc5\xbfelect a from b"}, {`^\s*x+$`, "a\n xx\nb"},
		{`\bfoo\b|\Bbar`, "foo xbar"},
		{`(?:a|ba)c`, "bac"}, {`(a*)(b|ab)+$`, "aaab\xff"},
		{`\x{bc}[^>\x{be}]*[>\x{be}]|<[^\x{be}]*\x{be}`, "\xbcx\xbe"}, {`[^a]{2,3}k`, "\xe2\x84\xe2\x84\xaa"},
		{`(?i)k{2}s|\x{fffd}`, "\u212ak\u017f\xff"}, {`(.{1,20}x){3}y`, "xxxxxxxxxxxxxxxy"}, {`.*`, ""}, {`$`, "\n"}, {`^$`, "a\n\nb"}, {`(|a)*b`, "aab"},
		{`(?-s).+$\n`, "ab\n"}, {`a[\"']*b[\"']*c`, `x a"b'c`},
		{`\w+\s*=\s*(?:'[^']*'|"[^"]*")`, `a = 'b'`}, {`é|É`, "x\xc3\x89"}, {`\z|\A`, "x"}, {`(?i)é\b`, "É!"},
		{`(?:(?:x|y)+z){2,5}w`, "xzyzxyzw"}, {`\pL{3}`, "aéß"}, {`a{0}b?`, ""}, {`[^\x00-\x{10FFFF}]`, "a"},
	}
}
