package transform

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestLookup(t *testing.T) {
	for _, name := range Names() {
		id, ok := Lookup(strings.ToUpper(name))
		if !ok || strings.ReplaceAll(id.String(), "lize", "lise") != strings.ReplaceAll(name, "lize", "lise") {
			t.Errorf("Lookup(%q) = %s, %v", name, id, ok)
		}
	}
	for _, name := range []string{"", "none", "lower", "urldecode "} {
		if id, ok := Lookup(name); ok || id != 0 || id.String() != "none" {
			t.Errorf("Lookup(%q) = %s, %v", name, id, ok)
		}
	}
	seen := map[ID]bool{}
	for _, n := range table() {
		seen[n.id] = true
	}
	if len(seen) != int(ids)-1 {
		t.Errorf("%d of %d transformations have names", len(seen), ids-1)
	}
}

// TestLacking pins what Coraza does not know: values from the manual of ModSecurity and worked out by hand.
func TestLacking(t *testing.T) {
	a := &Arena{}
	for _, c := range []struct {
		id        ID
		in, want  string
		unchanged bool
	}{
		{id: parityEven7bit, in: "abc", want: "\xe1\xe2c"},
		{id: parityEven7bit, in: "\xe3\xff", want: "c\xff"},
		{id: parityEven7bit, in: "cefijl", want: "cefijl", unchanged: true},
		{id: parityOdd7bit, in: "abc\x00", want: "ab\xe3\x80"},
		{id: parityZero7bit, in: "\xe1b\x00\xff", want: "ab\x00\x7f"},
		{id: parityZero7bit, in: "plain", want: "plain", unchanged: true},
		{id: sqlHexDecode, in: "0x414243", want: "ABC"},
		{id: sqlHexDecode, in: "select 0X41424 from 0x", want: "select AB4 from 0x"},
		{id: sqlHexDecode, in: "00x4142xx0x4g0x30x78", want: "0ABxx0x4g0x78"},
		{id: sqlHexDecode, in: "0x4", want: "0x4", unchanged: true},
		{id: sqlHexDecode, in: "x41 and 1x41", want: "x41 and 1x41", unchanged: true},
	} {
		got, changed := Apply(a, c.id, c.in)
		if got != c.want || changed == c.unchanged {
			t.Errorf("%s(%q) = %q, %v, want %q", c.id, c.in, got, changed, c.want)
		}
	}
}

// TestDifferences pins every difference to Coraza on purpose, both sides (docs/rules-differences.md).
func TestDifferences(t *testing.T) {
	o, err := theOracle()
	if err != nil {
		t.Fatal(err)
	}
	a := &Arena{}
	for _, c := range []struct {
		id               ID
		in, ours, theirs string
	}{
		{lowercase, "\xbcSCRIPT\xbe", "\xbcscript\xbe", "\ufffdscript\ufffd"},
		{uppercase, "\xbcscript\xbe", "\xbcSCRIPT\xbe", "\ufffdSCRIPT\ufffd"},
		{removeWhitespace, "\xbc a\xbe", "\xbca\xbe", "\ufffda\ufffd"},
		{removeWhitespace, "a\xa0b", "ab", "a\ufffdb"},
		{normalizePath, "/", "/", "//"},
		{normalizePath, "/../", "/", "//"},
		{normalizePathWin, "\\", "/", "//"},
	} {
		got, _ := Apply(a, c.id, c.in)
		if theirs := o.results(t, c.in)[c.id]; got != c.ours || theirs != c.theirs {
			t.Errorf("%s(%q) = %q, want %q; Coraza %q, want %q", c.id, c.in, got, c.ours, theirs, c.theirs)
		}
	}
}

// TestEveryRune folds each character, alone and inside text.
func TestEveryRune(t *testing.T) {
	a := &Arena{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for _, s := range []string{string(r), "0123456" + string(r) + "x"} {
			if got, _ := Apply(a, lowercase, s); got != strings.ToLower(s) {
				t.Fatalf("lowercase(%q) = %q", s, got)
			}
			if got, _ := Apply(a, uppercase, s); got != strings.ToUpper(s) {
				t.Fatalf("uppercase(%q) = %q", s, got)
			}
		}
		a.Reset()
	}
}

func TestClasses(t *testing.T) {
	for i := range 256 {
		if b := byte(i); Classify(string([]byte{b})) != ClassOf(b) {
			t.Errorf("byte %#x: ClassOf and Classify differ", b)
		}
	}
	var want Class
	s := "Az%+&\\/.'*#-:^, \t\x00\x01\x800"
	for i := range len(s) {
		want |= ClassOf(s[i])
		for _, pad := range []string{"", "12345678", "1234567812345"} {
			if got := Classify(pad + s[:i+1]); got != want {
				t.Errorf("Classify(%q) = %b, want %b", pad+s[:i+1], got, want)
			}
		}
	}
	if Classify("") == 0 {
		t.Error("the empty value has no class: then length would leave it alone")
	}
}

// TestArena keeps many results, and looks at them all at the end: what was made later must not have touched them.
func TestArena(t *testing.T) {
	r, all := rand.New(rand.NewPCG(3, 4)), pieces()
	a := &Arena{}
	for round := range 20 {
		var got, want []string
		for range 300 {
			s := generate(r, all, 40)
			if r.IntN(40) == 0 {
				s = strings.Repeat(s, 200)
			}
			for id := ID(1); id < ids; id++ {
				out, _ := Apply(a, id, s)
				alone, _ := Apply(&Arena{}, id, s)
				got, want = append(got, out), append(want, strings.Clone(alone))
			}
			canary := a.Grow(3)
			copy(canary, "!!!")
			got, want = append(got, text(canary)), append(want, "!!!")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d: results changed after they were made (-want +got):\n%.2000s", round, diff)
		}
		a.Reset()
	}
}

// TestArenaGivesBack holds Reset to its bounds.
func TestArenaGivesBack(t *testing.T) {
	a := &Arena{}
	a.Grow(10 << 20)
	for range 1000 {
		a.Grow(100 << 10)
	}
	a.Reset()
	total := 0
	for _, c := range a.chunks {
		total += len(c)
		if len(c) > keepChunk {
			t.Errorf("a chunk of %d bytes was kept", len(c))
		}
	}
	if total == 0 || total > keepTotal {
		t.Errorf("%d bytes were kept", total)
	}
	if n := testing.AllocsPerRun(100, func() { a.Reset(); a.Grow(100 << 10); a.Grow(500 << 10) }); n != 0 {
		t.Errorf("%v allocations in steady state", n)
	}
}

func TestNoAllocations(t *testing.T) {
	a := &Arena{}
	for id := ID(1); id < ids; id++ {
		for _, s := range pieces() {
			s = "A" + strings.Repeat(s, 9)
			if n := testing.AllocsPerRun(5, func() { a.Reset(); Apply(a, id, s); Fixed(id, s, Classify(s)) }); n != 0 {
				t.Fatalf("%s(%q): %v allocations", id, s, n)
			}
		}
	}
}

// TestSameString holds that a value that stays is not copied.
func TestSameString(t *testing.T) {
	a := &Arena{}
	for id := ID(1); id < ids; id++ {
		for _, s := range pieces() {
			if out, changed := Apply(a, id, s); !changed && len(s) > 0 && &raw(out)[0] != &raw(s)[0] {
				t.Errorf("%s(%q) is a copy", id, s)
			}
		}
	}
}

// TestFixedIsComplete pins values of which Fixed must know that they stay: they are what most requests are made of.
func TestFixedIsComplete(t *testing.T) {
	for _, c := range []struct {
		id ID
		in []string
	}{
		{urlDecodeUni, []string{"100%", "50% off", "%zz"}},
		{htmlEntityDecode, []string{"a&b=c", "R&D", "&", "&#", "x & y"}},
		{normalizePath, []string{"/", "/index.html", "/a/b/c/", "a.b", "...", ".htaccess", "/.well-known/x", "1.0", "https:"}},
		{normalizePathWin, []string{"/", "/a b/c.txt", "user@example.com"}},
		{cmdLine, []string{"hello world", "/a/b", "f(x)"}},
		{compressWhitespace, []string{"a b c", " a ", "grüße à toi", "你好"}},
		{removeWhitespace, []string{"grüße", "你好"}},
		{replaceComments, []string{"text/html,*;q=1", "a*b"}},
		{removeComments, []string{"a-b", "2024-01-02", "*"}},
		{lowercase, []string{"grüße", "你好", "12345678"}},
		{jsDecode, []string{"a\\"}},
		{trim, []string{"a b"}},
		{sqlHexDecode, []string{"text", "0xg"}},
	} {
		for _, s := range c.in {
			if !Fixed(c.id, s, Classify(s)) {
				t.Errorf("Fixed(%s, %q) = false", c.id, s)
			}
		}
	}
}

// TestLinear gives every transformation long hostile values. The bound is a hundred times what a pass takes, and far below what
// anything that looks twice at each byte for each byte would.
func TestLinear(t *testing.T) {
	a := &Arena{}
	for _, in := range benchInputs() {
		s := strings.Repeat(in.value, 25)
		c := Classify(s)
		for id := ID(1); id < ids; id++ {
			start := time.Now()
			Apply(a, id, s)
			Fixed(id, s, c)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%s of %d bytes of %s takes %v", id, len(s), in.name, took)
			}
			a.Reset()
		}
	}
}
