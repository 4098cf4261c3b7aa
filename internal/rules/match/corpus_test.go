package match

import (
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	crstests "github.com/corazawaf/coraza-coreruleset/v4/tests"
	"github.com/goccy/go-yaml"
)

// duo is the whole CRS as a set and as what the engine uses that it was written for.
type duo struct {
	rules   []rule
	set     *Set
	oracles []oracle // nil of words
}

var wholeCRS = sync.OnceValue(func() *duo {
	d := &duo{}
	d.set, d.rules = crsSet(&testing.B{}, 4)
	for _, r := range d.rules {
		var o oracle
		if r.p.Kind == Regexp {
			o, _ = oracleOf(r.p.Expr)
		}
		d.oracles = append(d.oracles, o)
	}
	return d
})

// compare checks all patterns on a value.
func (d *duo) compare(t *testing.T, x *Scratch, value string) (matched int) {
	t.Helper()
	hits, may := make(Bits, d.set.Words()), make(Bits, d.set.Words())
	d.set.Candidates(x, value, may)
	d.set.Verify(x, value, may, hits)
	x.Settle()
	for i, r := range d.rules {
		want := false
		if o := d.oracles[i]; o != nil {
			want = o.MatchString(value)
		} else {
			low := lowered(value)
			for _, w := range r.p.Words {
				want = want || strings.Contains(low, w)
			}
		}
		if got := hits[i>>6]>>(i&63)&1 != 0; got != want {
			t.Errorf("%s on %q: got %v, want %v", r.id, value, got, want)
		}
		if want {
			matched++
		}
	}
	return matched
}

// testValues are the values of all requests of CRS' own regression tests, as they stand and decoded.
func testValues(t *testing.T) []string {
	seen := map[string]bool{}
	err := fs.WalkDir(crstests.FS, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(crstests.FS, path)
		if err != nil {
			return err
		}
		var doc any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return err
		}
		gather(doc, seen)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, 0, len(seen))
	for v := range seen {
		if len(v) < 4000 {
			out = append(out, v)
		}
	}
	return out
}

// gather takes every string of a document, its parameters, and both decoded.
func gather(node any, seen map[string]bool) {
	switch n := node.(type) {
	case map[string]any:
		for _, v := range n {
			gather(v, seen)
		}
	case []any:
		for _, v := range n {
			gather(v, seen)
		}
	case string:
		for _, part := range append(strings.FieldsFunc(n, func(r rune) bool { return strings.ContainsRune("&?=", r) }), n) {
			seen[part] = true
			if d, err := url.QueryUnescape(part); err == nil {
				seen[d] = true
			}
		}
	}
}

func TestRegressionInputs(t *testing.T) {
	values := testValues(t)
	if len(values) < 5000 {
		t.Fatalf("only %d values were found", len(values))
	}
	r := rand.New(rand.NewPCG(uint64(len(values)), 1))
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	if os.Getenv("MATCH_ALL") == "" {
		values = values[:400]
	}
	d, x, matched := wholeCRS(), &Scratch{}, 0
	for _, v := range values {
		matched += d.compare(t, x, v)
	}
	if matched < 100 {
		t.Errorf("only %d matches among %d values", matched, len(values))
	}
	t.Logf("%d values, %d matches", len(values), matched)
}

func TestSoups(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	rounds := 60
	if os.Getenv("MATCH_ALL") != "" {
		rounds = 2000
	}
	d, x := wholeCRS(), &Scratch{}
	for i := range rounds {
		n := 20 + r.IntN(600)
		var v string
		switch i % 4 {
		case 0:
			v = soup(r, n)
		case 1:
			v = members(r, n)
		case 2:
			v = mutate(r, mutate(r, members(r, n)))
		case 3:
			v = noise(r, n/4)
		}
		d.compare(t, x, v)
	}
}

// noise makes bytes at random, among them what is no UTF-8, lines, and the two characters that fold to letters.
func noise(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		switch r.IntN(8) {
		case 0:
			b.WriteString([]string{"\n", "\r\n", "\xe2\x84\xaa", "\xc5\xbf", "\xff", "\xe2\x84", "\x00", "é"}[r.IntN(8)])
		case 1:
			b.WriteByte(byte(r.IntN(256)))
		default:
			b.WriteByte(byte(32 + r.IntN(95)))
		}
	}
	return b.String()
}

func TestConcurrent(t *testing.T) {
	s, _ := levelOne()
	values := []string{"1 union select a from b", "<script>alert(1)</script>", "; cat /etc/passwd", "Stockholm"}
	want := make([]Bits, len(values))
	for i, v := range values {
		want[i] = make(Bits, s.Words())
		s.Scan(&Scratch{}, v, full(s), want[i])
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			x, hits := &Scratch{}, make(Bits, s.Words())
			for i := range 40 {
				k := (i + g) % len(values)
				s.Scan(x, values[k], full(s), hits)
				for w := range hits {
					if hits[w] != want[k][w] {
						t.Errorf("%q: other patterns than alone", values[k])
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestNewFaults(t *testing.T) {
	s, errs := New([]Pattern{{Expr: "a"}, {Expr: "("}, {Expr: `\xff[`}, {Expr: `a{2000}`}}, Limits{})
	if s != nil || len(errs) != 3 || errs[0].Index != 1 || errs[1].Index != 2 || errs[2].Index != 3 {
		t.Errorf("got %v, %v", s, errs)
	}
}

func TestScanLeavesOthersAlone(t *testing.T) {
	s := newSet(t, Pattern{Expr: "a"}, Pattern{Expr: "b"}, Pattern{Kind: Words, Words: []string{"a"}})
	hits := Bits{0b110}
	s.Scan(&Scratch{}, "A", Bits{0b101}, hits)
	if hits[0] != 0b110 {
		t.Errorf("got %b", hits[0])
	}
	s.Scan(&Scratch{}, "b", Bits{0b111}, hits)
	if hits[0] != 0b010 {
		t.Errorf("got %b", hits[0])
	}
}

// A value whose memory has been used again since must not be taken for the one that was looked at.
func TestVerifyAfterReuse(t *testing.T) {
	s := newSet(t, Pattern{Expr: "(?i)select.+from"})
	x, may, hits := &Scratch{}, Bits{0}, Bits{0}
	s.Candidates(x, "nothing at all here", may)
	s.Verify(x, "select a from table", Bits{1}, hits)
	x.Settle()
	if hits[0] != 1 {
		t.Error("lost a match in a value that Candidates did not see")
	}
}

// A user is warned of patterns above 100 ns/byte: of the CRS, those that count in ways that overlap, and whatever std regexp must run.
func TestCost(t *testing.T) {
	d := wholeCRS()
	costly := map[string]bool{"932220": true, "932300": true, "934120": true, "942480": true}
	for i, r := range d.rules {
		if c := d.set.Cost(i); c <= 0 || c > 100 != costly[r.id] {
			t.Errorf("%s costs %v ns/byte", r.id, c)
		}
	}
	s := newSet(t, Pattern{Expr: `(?:[a-q][^u-z]{13}x[b-r]{500}.{3}){1,2}(?:[a-q].{400}x){1,2}y.{900}[xz].{900}\b.{1,999}q$`})
	if c := s.Cost(0); c <= 100 {
		t.Errorf("a pattern of thousands of positions costs %v ns/byte", c)
	}
}

// What the set says that it holds. The aim is 24 MB; a third or so is the instructions that find places.
func TestMemory(t *testing.T) {
	m := wholeCRS().set.Memory()
	t.Logf("the whole CRS takes %.1f MB", float64(m)/1e6)
	if m > 24<<20 {
		t.Errorf("the whole CRS takes %d bytes", m)
	}
}
