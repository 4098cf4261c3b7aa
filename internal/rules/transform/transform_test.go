package transform

import (
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

// expected is what Coraza makes of s, mended where we differ on purpose (docs/rules-differences.md).
func expected(id ID, s, theirs string) string {
	switch id {
	case lowercase:
		return byRune(s, strings.ToLower)
	case uppercase:
		return byRune(s, strings.ToUpper)
	case removeWhitespace:
		return byRune(s, func(r string) string {
			if r == "\xa0" || strings.TrimSpace(r) == "" {
				return ""
			}
			return r
		})
	case normalizePath:
		if theirs == "//" {
			return "/"
		}
	case normalizePathWin:
		if theirs == "//" && path.Clean(strings.ReplaceAll(s, "\\", "/")) == "/" {
			return "/"
		}
	}
	return theirs
}

// byRune maps each character; a byte that is no UTF-8 comes as it is.
func byRune(s string, f func(string) string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 && s[0] != 0xa0 {
			b.WriteByte(s[0])
		} else if s[0] == 0xa0 {
			if f("\u00a0") != "" {
				b.WriteByte(s[0])
			}
		} else {
			b.WriteString(f(s[:size]))
		}
		s = s[size:]
	}
	return b.String()
}

// compare holds every transformation of s to Coraza's and to what Touches and Fixed promise.
func compare(t *testing.T, a *Arena, s string) {
	t.Helper()
	o, err := theOracle()
	if err != nil {
		t.Fatal(err)
	}
	theirs := o.results(t, s)
	c := Classify(s)
	for id := ID(1); id < ids; id++ {
		out, changed := Apply(a, id, s)
		if changed != (out != s) {
			t.Errorf("%s(%q) = %q says changed=%v", id, s, out, changed)
		}
		if changed && c&Touches(id) == 0 {
			t.Errorf("%s(%q) = %q, by Touches it stays", id, s, out)
		}
		if changed && Fixed(id, s, c) {
			t.Errorf("%s(%q) = %q, by Fixed it stays", id, s, out)
		}
		if Folds(id, s) && !sameButCase(out, s) {
			t.Errorf("%s(%q) = %q, by Folds only letters change their case", id, s, out)
		}
		if !knows(id) {
			continue
		}
		if want := expected(id, s, theirs[id]); out != want {
			t.Errorf("%s(%q)\n got %q\nwant %q", id, s, out, want)
		}
		if utf8.ValidString(s) && id != normalizePath && id != normalizePathWin && out != theirs[id] {
			t.Errorf("%s(%q)\n   got %q\nCoraza %q", id, s, out, theirs[id])
		}
	}
}

// sameButCase reports whether a and b differ at most in the case of ASCII letters.
func sameButCase(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (x^y != 0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// pieces are what the values of the tests are made of: each begins, is or ends what some transformation looks for.
func pieces() []string {
	return []string{
		"a", "b", "Z", "f", "F", "x", "X", "u", "U", "0", "1", "3", "7", "8", "9", "41", "00", "ff", "FF", "e9", "word", "SELECT", "Script",
		" ", "  ", "\t", "\n", "\r\n", "\v", "\f", "\x00", "\x01", "\x7f", "+", "%", "%4", "%41", "%zz", "%u", "%u0041", "%uff41", "%uFF1F", "%U2019",
		"%u00", "%u00e9", "%uff00", "%25", "%c3%a9", "&", "&#", "&#x", "&#65;", "&#65", "&#x41;", "&#X2019", "&#0;", "&#128;", "&#x9F", "&#xd800;",
		"&#1114112;", "&#99999999999;", "&lt;", "&lt", "&LT;", "&amp;lt;", "&ampx", "&notit;", "&not", "&nGt;", "&nLt;", "&hellip;", "&apos;",
		"&CounterClockwiseContourIntegral;", "&fjlig;", "&a", ";", "#", "\\", "\\\\", "\\n", "\\x41", "\\x4", "\\X41", "\\u0041", "\\uff41",
		"\\uFF00", "\\u{41}", "\\u{0ff01}", "\\u{1234567}", "\\u{}", "\\u{", "\\101", "\\400", "\\777", "\\8", "\\0", "\\00", "\\000000", "\\41 ",
		"\\ff21", "\\110000", "\\d800", "\\\n", "\\q", "\\'", "\\\"", "{", "}", "'", "\"", "^", ",", "(", ")", "/", "//", "/.", "/..", "/./",
		"/../", "./", "../", "..", ".", "...", "/*", "*/", "/**/", "/*/", "<!--", "-->", "--", "-", "<", "<!-", ">", "!", "*", ":", "C:", "::$DATA",
		". ", " .", "=", "==", "_", "~", "QUJD", "YWJj", "4142", "0x41", "0X4", "0x", "\u00a0", "\u0085", "\u00e0", "\u00c9", "\u0130", "\u212a", "\u023a",
		"\u0250", "\u1e9e", "\u2003", "\u2028", "\u3000", "\u1680", "\ufeff", "\ufffd", "\u4f60", "\U0001f600", "\U00010400", "\xa0", "\x85", "\xff", "\xc2", "\xe2\x80",
		"\xc0\xbc", "\xed\xa0\x80", "?", "@", "[", "`", "hexEncode",
	}
}

// generate makes a value of up to n pieces.
func generate(r *rand.Rand, all []string, n int) string {
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteString(all[r.IntN(len(all))])
	}
	return b.String()
}

func TestAgainstCoraza(t *testing.T) {
	count := 20000
	if testing.Short() {
		count = 2000
	}
	r, all, a := rand.New(rand.NewPCG(1, 2)), pieces(), &Arena{}
	compare(t, a, "")
	for _, p := range all {
		compare(t, a, p)
		for _, q := range all {
			if count == 20000 && r.IntN(4) == 0 {
				compare(t, a, p+q)
			}
		}
	}
	for i := range count {
		n := 8
		if i%50 == 0 {
			n = 80
		}
		compare(t, a, generate(r, all, n))
		if a.Reset(); t.Failed() {
			return
		}
	}
}

func FuzzTransform(f *testing.F) {
	for _, p := range pieces() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, s string) {
		compare(t, &Arena{}, s)
	})
}
