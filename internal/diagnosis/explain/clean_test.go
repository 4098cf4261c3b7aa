package explain

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"app.example":               "app.example",
		"":                          "",
		"\x1b[2J\x07":               `\x1b[2J\x07`,
		"a\r\nb\tc":                 `a\r\nb\tc`,
		"\x7f\x9b\u009b":            `\x7f\x9b\x9b`,
		"abc\u202edcba":             `abc\u{202e}dcba`,
		"zero\u200bwidth\u2028":     `zero\u{200b}width\u{2028}`,
		"bücher.example 中文":         "bücher.example 中文",
		"\U000e0041tag \ue000 \xff": `\u{e0041}tag \u{e000} \xff`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"abcdef", 1, "…"}, {"abcdef", 0, ""}, {"中文字", 6, "中文字"}, {"中文字", 5, "中文…"}, {"中文字", 4, "中…"},
	} {
		if got := cut(c.in, c.n); got != c.want || cells(got) > c.n {
			t.Errorf("cut(%q, %d) = %q of %d cells, want %q", c.in, c.n, got, cells(got), c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b]0;title\x07", 10)
	f.Fuzz(func(t *testing.T, s string, n int) {
		c := clean(s)
		if !utf8.ValidString(c) || strings.ContainsFunc(c, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("clean(%q) = %q", s, c)
		}
		if n = n % 200; cells(cut(c, n)) > max(n, 0) {
			t.Errorf("cut(%q, %d) is %d cells", c, n, cells(cut(c, n)))
		}
	})
}
