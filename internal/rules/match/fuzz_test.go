package match

import (
	"strings"
	"testing"

	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
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

// FuzzWords compares lists of words with the automaton that the engine uses which rules were written for.
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
		b := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{AsciiCaseInsensitive: true, MatchKind: ahocorasick.LeftMostLongestMatch, DFA: true})
		m := b.Build(words)
		var want []int
		for it := m.Iter(value); len(want) < 2*maxWords; {
			n := it.Next()
			if n == nil {
				break
			}
			want = append(want, n.Start(), n.End())
		}
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

// seeds are patterns with values that have gone wrong, or could.
func seeds() [][2]string {
	return [][2]string{
		{`(?i)select.*from`, "sele\xc5\xbfct \xc5\xbfelect a from b"}, {`^\s*x+$`, "a\n xx\nb"}, {`\bfoo\b|\Bbar`, "foo xbar"},
		{`(?:a|ba)c`, "bac"}, {`(a*)(b|ab)+$`, "aaab\xff"}, {`\x{bc}[^>\x{be}]*[>\x{be}]|<[^\x{be}]*\x{be}`, "\xbcx\xbe"}, {`[^a]{2,3}k`, "\xe2\x84\xe2\x84\xaa"},
		{`(?i)k{2}s|\x{fffd}`, "\u212ak\u017f\xff"}, {`(.{1,20}x){3}y`, "xxxxxxxxxxxxxxxy"}, {`.*`, ""}, {`$`, "\n"}, {`^$`, "a\n\nb"}, {`(|a)*b`, "aab"},
		{`(?-s).+$\n`, "ab\n"}, {`a[\"']*b[\"']*c`, `x a"b'c`}, {`\w+\s*=\s*(?:'[^']*'|"[^"]*")`, `a = 'b'`}, {`é|É`, "x\xc3\x89"}, {`\z|\A`, "x"}, {`(?i)é\b`, "É!"},
		{`(?:(?:x|y)+z){2,5}w`, "xzyzxyzw"}, {`\pL{3}`, "aéß"}, {`a{0}b?`, ""}, {`[^\x00-\x{10FFFF}]`, "a"},
	}
}
