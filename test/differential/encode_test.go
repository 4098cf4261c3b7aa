package differential_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// encoding writes a text in a way that some reader undoes.
type encoding func(r *rand.Rand, s string) string

// encodings lists them.
func encodings() []encoding {
	each := func(share int, format string) encoding {
		return func(r *rand.Rand, s string) string {
			var b strings.Builder
			for i := range len(s) {
				if r.IntN(share) == 0 {
					fmt.Fprintf(&b, format, s[i])
				} else {
					b.WriteByte(s[i])
				}
			}
			return b.String()
		}
	}
	runes := func(f func(r *rand.Rand, c rune) string) encoding {
		return func(r *rand.Rand, s string) string {
			var b strings.Builder
			for _, c := range s {
				b.WriteString(f(r, c))
			}
			return b.String()
		}
	}
	between := func(list ...string) encoding {
		return func(r *rand.Rand, s string) string {
			if s == "" {
				return s
			}
			for range 1 + r.IntN(3) {
				i := r.IntN(len(s) + 1)
				s = s[:i] + pick(r, list...) + s[i:]
			}
			return s
		}
	}
	return []encoding{
		func(_ *rand.Rand, s string) string { return url.QueryEscape(s) },
		func(_ *rand.Rand, s string) string { return url.PathEscape(url.PathEscape(s)) },
		each(1, "%%%02X"), each(3, "%%%02x"), each(4, "%%u00%02x"), each(4, "&#%d;"), each(4, "&#x%x;"), each(6, "\\x%02x"), each(5, "\\%03o"), each(6, "%%25%02x"),
		runes(func(r *rand.Rand, c rune) string {
			if r.IntN(4) == 0 && c < 0x10000 {
				return fmt.Sprintf("\\u%04x", c)
			}
			return string(c)
		}),
		runes(func(r *rand.Rand, c rune) string { // overlong, and full width
			switch {
			case c < 0x80 && r.IntN(6) == 0:
				return string([]byte{0xc0 | byte(c>>6), 0x80 | byte(c&0x3f)})
			case c > ' ' && c < 0x7f && r.IntN(8) == 0:
				return string(c + 0xfee0)
			}
			return string(c)
		}),
		runes(func(r *rand.Rand, c rune) string {
			if r.IntN(2) == 0 {
				return strings.ToUpper(string(c))
			}
			return strings.ToLower(string(c))
		}),
		func(_ *rand.Rand, s string) string {
			return strings.NewReplacer("<", "&lt;", ">", "&gt;", "\"", "&quot;", "&", "&amp;").Replace(s)
		},
		func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, " ", "/**/") },
		func(r *rand.Rand, s string) string {
			return strings.ReplaceAll(s, " ", pick(r, "+", "%20", "\t", "%0a", "\u00a0", "\xa0", "  "))
		},
		func(_ *rand.Rand, s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		func(_ *rand.Rand, s string) string { return hex.EncodeToString([]byte(s)) },
		between("/**/", "/*x*/", "\x00", "%00", "\xff", "\xc3", "\\", "'", "\"", "^", " ", "--\n", "#\n", "\u200b", "\r\n", "<!-- x -->", "\xe2\x80"),
	}
}

// encoded writes s in up to three ways, one over the other.
func encoded(r *rand.Rand, s string) string {
	all := encodings()
	for n := r.IntN(6); n > 2 && len(s) < 2000; n-- {
		s = all[r.IntN(len(all))](r, s)
	}
	return s
}

// query escapes what would end a value of a query or a form, and what no request line holds; now and then it does less.
func query(r *rand.Rand, s string) string {
	if r.IntN(3) == 0 {
		return url.QueryEscape(s)
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c <= ' ' || c == 0x7f, (c == '&' || c == '#') && r.IntN(10) != 0, c == '+' && r.IntN(2) == 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// field leaves out of s what no field of a head can hold.
func field(s string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' || c == 0 {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, "\u00e9")), " \t")
}

func jsonString(r *rand.Rand, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(c))
		case c < ' ' || r.IntN(12) == 0 && c < 0x10000:
			fmt.Fprintf(&b, "\\u%04x", c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String() + `"`
}
