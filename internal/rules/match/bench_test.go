package match

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"testing"
)

// crsSet compiles the patterns of the CRS up to a paranoia level.
func crsSet(t testing.TB, level int) (*Set, []rule) {
	var rules []rule
	var patterns []Pattern
	for _, r := range crsRules(t) {
		if r.level <= level {
			rules, patterns = append(rules, r), append(patterns, r.p)
		}
	}
	return newSet(t, patterns...), rules
}

var levelOne = sync.OnceValues(func() (*Set, []rule) { return crsSet(&testing.B{}, 1) })

// attackWords are the words of the CRS and what its patterns match.
var attackWords = sync.OnceValue(func() []string {
	r := rand.New(rand.NewPCG(7, 7))
	var out []string
	for _, rule := range crsRules(&testing.B{}) {
		if rule.p.Kind == Words {
			for range 20 {
				out = append(out, rule.p.Words[r.IntN(len(rule.p.Words))])
			}
			continue
		}
		re, binary, err := parse(rule.p.Expr)
		if err != nil {
			continue
		}
		f := analyser{bytes: binary}.of(re)
		for _, c := range f.clauses {
			for range min(8, len(c.words)) {
				out = append(out, c.words[r.IntN(len(c.words))])
			}
		}
	}
	return out
})

// soup makes n bytes of attack words, new ones each time.
func soup(r *rand.Rand, n int) string {
	words := attackWords()
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteString([]string{" ", "", "(", "'", "\"", ";", "/", "=", "\n", ",", ")", "<", " or ", "--", "$", "{"}[r.IntN(16)])
	}
	return b.String()[:n]
}

// members makes n bytes of what the patterns match.
func members(r *rand.Rand, n int) string {
	trees := memberTrees()
	var b strings.Builder
	for b.Len() < n {
		var one strings.Builder
		member(r, trees[r.IntN(len(trees))], &one)
		s := one.String()
		if len(s) > 200 {
			s = s[:200]
		}
		b.WriteString(s)
		b.WriteByte(" ;\n&"[r.IntN(4)])
	}
	return b.String()[:n]
}

var memberTrees = sync.OnceValue(func() (out []*syntax.Regexp) {
	for _, rule := range crsRules(&testing.B{}) {
		if rule.p.Kind == Regexp {
			if re, _, err := parse(rule.p.Expr); err == nil {
				out = append(out, re)
			}
		}
	}
	return out
})

const prose = "The quick brown fox jumps over the lazy dog while the customer, who ordered 3 items on Tuesday, waits for delivery at home. "

var benign = []struct{ name, value string }{
	{"name5", "email"},
	{"name12", "customer_ref"},
	{"number4", "2026"},
	{"word9", "Stockholm"},
	{"value24", "jane.doe@shop.example.se"},
	{"text30", "Please deliver before noon, ok"},
	{"uuid", "123e4567-e89b-12d3-a456-426614174000"},
	{"path", "/static/css/main.3f2a.css"},
	{"agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
	{"text10k", strings.Repeat(prose, 83)},
}

func BenchmarkCandidates(b *testing.B) {
	s, _ := levelOne()
	x, may := &Scratch{}, make(Bits, s.Words())
	for _, v := range benign {
		b.Run(v.name, func(b *testing.B) {
			b.SetBytes(int64(len(v.value)))
			for b.Loop() {
				s.Candidates(x, v.value, may)
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	s, _ := levelOne()
	x, want, hits := &Scratch{}, argumentPatterns(s), make(Bits, s.Words())
	for _, v := range benign {
		b.Run(v.name, func(b *testing.B) {
			b.SetBytes(int64(len(v.value)))
			for b.Loop() {
				s.Scan(x, v.value, want, hits)
			}
		})
	}
}

// argumentPatterns are those that arguments are tested with: patterns of the method, of headers and of responses are wanted elsewhere.
func argumentPatterns(s *Set) Bits {
	_, rules := levelOne()
	want := make(Bits, s.Words())
	for i, r := range rules {
		if r.id >= "921" && r.id < "950" {
			want[i>>6] |= 1 << (i & 63)
		}
	}
	return want
}

func BenchmarkHostile(b *testing.B) {
	s, _ := levelOne()
	x, want, hits := &Scratch{}, full(s), make(Bits, s.Words())
	r := rand.New(rand.NewPCG(3, 4))
	for _, kind := range []struct {
		name string
		make func(*rand.Rand, int) string
	}{{"soup", soup}, {"members", members}} {
		b.Run(kind.name, func(b *testing.B) {
			b.SetBytes(10 << 10)
			for b.Loop() {
				b.StopTimer()
				v := kind.make(r, 10<<10)
				b.StartTimer()
				s.Scan(x, v, want, hits)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	var patterns []Pattern
	for _, r := range crsRules(b) {
		patterns = append(patterns, r.p)
	}
	b.ReportAllocs()
	for b.Loop() {
		s, errs := New(patterns, Limits{})
		if errs != nil {
			b.Fatal(errs)
		}
		b.ReportMetric(float64(s.Memory())/(1<<20), "MB")
	}
}

func BenchmarkStdOneByOne(b *testing.B) {
	var all []*regexp.Regexp
	for _, r := range crsRules(b) {
		if r.level == 1 && r.p.Kind == Regexp && !spellsBytes(r.p.Expr) {
			all = append(all, regexp.MustCompile("(?sm)"+r.p.Expr))
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, v := range append(benign[4:6:6], struct{ name, value string }{"soup", soup(r, 10<<10)}) {
		b.Run(v.name, func(b *testing.B) {
			b.SetBytes(int64(len(v.value)))
			for b.Loop() {
				for _, re := range all {
					re.MatchString(v.value)
				}
			}
		})
	}
}
