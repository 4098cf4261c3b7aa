package operator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// TestLinear gives each operator texts of one word of an attack, repeated, and of many at random, in two lengths of which one is so many
// times the other: the longer may cost more than so many times the time, as caches are small, yet far less than the square of it.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	for _, s := range []subject{
		{seclang.OpDetectSQLi, ""},
		{seclang.OpDetectXSS, ""},
		{seclang.OpValidateUrlEncoding, ""},
		{seclang.OpContainsWord, "aa"},
		{seclang.OpVerifyCC, `\d{13,16}`},
		{seclang.OpVerifyCC, `\d+`},
		{seclang.OpVerifyCPF, `[\d.-]+`},
		{seclang.OpValidateNid, "us [\\d-]+"},
		{seclang.OpRestpath, "/a/{x}/{y}"},
	} {
		op, err := New(nil, "", s.id, s.argument)
		if err != nil {
			t.Fatal(err)
		}
		words, befores, small, times := []string{"", "-", "1", "aa", "/a/", "11111111111111111 ", ".1"}, []string{""}, 64<<10, 8 // regexp takes another engine below
		if s.argument == "" {
			words = append(hostile(), "", "' '", "''", "%41", " =", "\x00=", "a.", ".1", "0x1.", "a' ", "\\\\'")
			befores, small, times = []string{"", "'", "1 ' ", "<a "}, 4<<10, 16 // libinjection tries several readings
		}
		for _, word := range words {
			for _, before := range befores {
				a, b := before+soup(word, small), before+soup(word, small*times)
				if fault := steep(op, a, b, times); fault != "" {
					t.Errorf("%v %q on %q and %q: %s", s.id, s.argument, before, word, fault)
				}
			}
		}
	}
}

// steep says how an operator's time grows too fast, "" where it does not. What else the machine does is no fault: it tries again.
func steep(op Operator, a, b string, times int) (fault string) {
	for range 4 {
		first, second := fastest(op, a), fastest(op, b)
		per := float64(second) / float64(len(b))
		if per < 20 || second < first*time.Duration(times*times/2) && per < 2000 {
			return ""
		}
		fault = fmt.Sprintf("%v for %d bytes, %v for %d", first, len(a), second, len(b))
	}
	return fault
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
