package match

import (
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func shared() []Pattern {
	return []Pattern{
		{Kind: Regexp, Expr: `(?i)union\s+select`}, {Kind: Words, Words: []string{"abra", "simsala"}},
		{Kind: Regexp, Expr: `<script[^>]*>`}, {Kind: Regexp, Expr: `\d{3}-\d{4}`},
	}
}

// TestCache gives the same set for the same list, whoever asks, and sets of other lists the automata that they have in common.
func TestCache(t *testing.T) {
	c := NewCache()
	sets := make([]*Set, 16)
	var wg sync.WaitGroup
	for i := range sets {
		wg.Go(func() {
			var errs []PatternError
			if sets[i], errs = c.New(shared(), Limits{}); errs != nil {
				t.Error(errs)
			}
		})
	}
	wg.Wait()
	for i, s := range sets {
		if s != sets[0] {
			t.Errorf("set %d is another", i)
		}
	}
	more, errs := c.New(append([]Pattern{{Kind: Regexp, Expr: `own.rule`}}, shared()...), Limits{})
	if errs != nil || more == sets[0] {
		t.Fatalf("same set %v, %v", more == sets[0], errs)
	}
	for i := range shared() {
		if more.patterns[i+1].part != sets[0].patterns[i].part {
			t.Errorf("pattern %d is compiled twice", i)
		}
	}
	if few, _ := c.New(shared(), Limits{States: 100}); few.patterns[0].part == sets[0].patterns[0].part {
		t.Error("one part for two limits")
	}
	if c.Sets() != 3 && c.Sets() != 2 { // the last may be gone
		t.Errorf("%d sets", c.Sets())
	}
	for _, v := range []string{"", "1 UNION select 2", "xabrax", "<script src=x>", "555-1234 own rule", "union selec", "<scrip>"} {
		var x, y Scratch
		got, want := Bits{0}, Bits{0}
		more.Scan(&x, v, Bits{30}, got)
		sets[0].Scan(&y, v, Bits{15}, want)
		if got[0] != want[0]<<1 {
			t.Errorf("%q: %b and %b", v, got, want)
		}
	}
	runtime.KeepAlive(sets)
}

// TestCacheForgets holds nothing that nobody else holds.
func TestCacheForgets(t *testing.T) {
	c := NewCache()
	func() {
		s, errs := c.New(shared(), Limits{})
		one, err := c.Single(`^s_\d+$`)
		if errs != nil || err != nil || c.Sets() != 1 || c.parts.len() != 4 || c.singles.len() != 1 {
			t.Errorf("%v %v, %d sets, %d parts", errs, err, c.Sets(), c.parts.len())
		}
		if again, _ := c.Single(`^s_\d+$`); again != one || !again.Match("s_12") || again.Match("s_x") {
			t.Error("another expression")
		}
		runtime.KeepAlive(s)
		runtime.KeepAlive(one)
	}()
	for range 4 {
		runtime.GC()
	}
	if got := []int{c.Sets(), c.parts.len(), c.automata.len(), c.singles.len()}; !cmp.Equal(got, make([]int, 4)) {
		t.Errorf("sets, parts, automata and single expressions that are left: %v", got)
	}
	if s, errs := c.New(shared(), Limits{}); errs != nil || s.Len() != 4 {
		t.Error("not made again")
	}
}

// TestCacheKeys tells lists apart that look alike when they are written one behind the other.
func TestCacheKeys(t *testing.T) {
	words := func(list ...string) []Pattern { return []Pattern{{Kind: Words, Words: list}} }
	seen := map[digest]int{}
	for i, list := range [][]Pattern{
		nil, words(), words(""), words("", ""), words("ab", "c"), words("a", "bc"), words("a\x00b", "c"), words("a", "b\x00c"), words("abc"), words("\x03abc"),
		{{Kind: Regexp, Expr: "abc"}}, {{Kind: Regexp, Expr: "ab"}, {Kind: Regexp, Expr: "c"}}, {{Kind: Regexp, Expr: "ab", Words: []string{"c"}}},
		append(words("a"), words("bc")...), append(words("ab"), words("c")...),
	} {
		key := keyOfSet(list, Limits{}, true)
		if k, ok := seen[key]; ok {
			t.Errorf("lists %d and %d have one key", k, i)
		}
		seen[key] = i
	}
}

// TestCheck says what New would say.
func TestCheck(t *testing.T) {
	c := NewCache()
	for _, expr := range []string{"a", "a(", `\xff\xfe`, "(?P<x>a)", "a{2000}", "[z-a]"} {
		_, errs := New([]Pattern{{Kind: Regexp, Expr: expr}}, Limits{})
		for range 2 {
			if err := c.Check(expr); (err != nil) != (errs != nil) {
				t.Errorf("%q: %v, want %v", expr, err, errs)
			}
		}
	}
}
