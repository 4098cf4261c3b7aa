package operator

import (
	"slices"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// TestLinear gives each operator texts of one word of an attack, repeated, and of many at random, 4 KB and 64 KB long: sixteen times
// the bytes may cost more than sixteen times the time, as caches are small and regexp takes another engine for long texts, yet never
// near 256 times, which is what a quadratic operator takes.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	const small, large = 4 << 10, 64 << 10
	for _, s := range []subject{
		{seclang.OpDetectSQLi, ""},
		{seclang.OpDetectXSS, ""},
		{seclang.OpContainsWord, "aa"},
		{seclang.OpVerifyCC, `\d{13,16}`},
		{seclang.OpVerifyCC, `\d+`},
		{seclang.OpVerifyCPF, `[\d.-]+`},
		{seclang.OpValidateNid, `us [\d-]+`},
		{seclang.OpRestpath, "/a/{x}/{y}"},
		{seclang.OpValidateUrlEncoding, ""},
	} {
		op, err := New(nil, "", s.id, s.argument)
		if err != nil {
			t.Fatal(err)
		}
		texts := hostile()
		if s.argument != "" {
			texts = []string{"-", "a b"}
		}
		for _, word := range append(texts, "", "1", "a", "aa", "/a/", "1 ", "11111111111111111 ", "' '", "''", "\\", "%41", " =", "\x00=", "a.", ".1", "0x1.") {
			for _, before := range []string{"", "'", "1 ' ", "<a "} {
				if before != "" && s.argument != "" {
					continue // only libinjection tries several readings
				}
				a, b := before+soup(word, small), before+soup(word, large)
				first, second := fastest(op, a), fastest(op, b)
				if per := float64(second) / float64(len(b)); second > 128*first && per > 20 {
					t.Errorf("%v %q on %q and %q: %v for %d bytes, %v for %d", s.id, s.argument, before, word, first, len(a), second, len(b))
				} else if per > 2000 {
					t.Errorf("%v %q on %q and %q: %.0f ns a byte", s.id, s.argument, before, word, per)
				}
			}
		}
	}
}

// fastest is the least of some runs: what else a machine does only ever adds.
func fastest(op Operator, value string) time.Duration {
	var all []time.Duration
	for range 3 {
		start := time.Now()
		op.Match(value, nil)
		all = append(all, time.Since(start))
	}
	return slices.Min(all)
}

// BenchmarkWorst says what a byte of the worst text costs: repeated pairs of words of attacks.
func BenchmarkWorst(b *testing.B) {
	for name, op := range map[string]Operator{"sqli": detectSQLi{}, "xss": test(IsXSS)} {
		b.Run(name, func(b *testing.B) {
			var worst time.Duration
			text := ""
			for b.Loop() {
				for _, x := range hostile() {
					for _, y := range hostile() {
						v := soup(x+y, 10_000)
						start := time.Now()
						op.Match(v, nil)
						if d := time.Since(start); d > worst && fastest(op, v) > worst {
							worst, text = fastest(op, v), x+y
						}
					}
				}
			}
			b.ReportMetric(float64(worst)/10_000, "ns/byte")
			b.Logf("%v for 10 KB of %q", worst, text)
		})
	}
}
