package operator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	libinjection "github.com/corazawaf/libinjection-go"
)

// leaves are 400 values of an ordinary JSON body of some 10 KB.
func leaves() []string {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark wants the same values each time
	lines := strings.Split(strings.TrimSpace(`
active
blue widget, large
Please ring the bell twice and wait at the door.
Order shipped on time; thank you for your patience
Customer asked for a refund because it arrived late.
don't call before noon
Price (incl. VAT) may vary
We deliver from Monday to Friday and on Saturday if you ask
in stock
not available
Error 404 - page not found
Terms & conditions`), "\n")
	var out []string
	for i := range 400 {
		switch i % 10 {
		case 0, 1, 2:
			out = append(out, lines[r.IntN(len(lines))])
		case 3:
			out = append(out, fmt.Sprint(r.IntN(1_000_000)))
		case 4:
			out = append(out, fmt.Sprintf("2024-%02d-%02dT10:%02d:00Z", 1+r.IntN(12), 1+r.IntN(28), r.IntN(60)))
		case 5:
			out = append(out, fmt.Sprintf("ann.smith%d@example.org", r.IntN(1000)))
		case 6:
			out = append(out, fmt.Sprintf("https://www.example.org/shop/%d?ref=%x&page=2", r.IntN(1000), r.Uint32()))
		case 7:
			out = append(out, fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(65536), r.IntN(4096), r.IntN(4096), r.Uint64()>>16))
		case 8:
			out = append(out, "aGVsbG8gd29ybGQsIGhlbGxvIQ"+string(rune('a'+r.IntN(26)))+"=")
		default:
			out = append(out, []string{"true", "word", "de-DE", "EUR"}[r.IntN(4)])
		}
	}
	return out
}

func BenchmarkLeaves(b *testing.B) {
	all := leaves()
	bytes := 0
	for _, v := range all {
		bytes += len(v)
	}
	b.Run("skipping", func(b *testing.B) {
		b.SetBytes(int64(bytes))
		for b.Loop() {
			for _, v := range all {
				_, _ = IsSQLi(v)
				_ = IsXSS(v)
			}
		}
	})
	b.Run("libinjection", func(b *testing.B) {
		b.SetBytes(int64(bytes))
		for b.Loop() {
			for _, v := range all {
				_, _ = libinjection.IsSQLi(v)
				_ = libinjection.IsXSS(v)
			}
		}
	})
	b.Run("skips", func(b *testing.B) {
		b.SetBytes(int64(bytes))
		skipped := 0
		for b.Loop() {
			skipped = 0
			for _, v := range all {
				if skipSQLi(v) {
					skipped++
				}
			}
		}
		b.ReportMetric(float64(skipped), "passed-by")
	})
}

// soup is n bytes of words of attacks, or of one repeated for all of the length.
func soup(word string, n int) string {
	if word != "" {
		return strings.Repeat(word, n/len(word)+1)[:n]
	}
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a benchmark wants the same values each time
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(hostile()[r.IntN(len(hostile()))])
	}
	return b.String()[:n]
}

func hostile() []string {
	return []string{
		"'", "\"", "`", "''a", "\\'", "1+", "1,", "(", ")", "((", "select ", "union all ", "not ", "a ", "a.b ", "{a ", "}", "--", "-- \n", "/*", "/**/", "#", "#\n", "@", "@a,",
		"$a", "$a$", "$$", "q'(", "x'0", "n'", "u&'", "[", "0x", "1e", "<", "<a ", "<a/", "</a ", "<!--", "<!", "<?", "<%", "%", "=", "x=y ", "onx=1 ", "href=& ", "src=&#0 ",
		"\x00", "-\x00", ">", ";", ";;", "&&", "||", "::int", "a collate b_", "\\", "user(", "in (", "like(",
	}
}

func BenchmarkSoup(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		for name, f := range map[string]func(string){"sqli": func(v string) { _, _ = IsSQLi(v) }, "xss": func(v string) { _ = IsXSS(v) }} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				v := soup("", n)
				b.SetBytes(int64(n))
				for b.Loop() {
					f(v)
				}
			})
		}
	}
}
