package operator

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	libinjection "github.com/corazawaf/libinjection-go"
)

// tables reads libinjection's own tables of words and fingerprints from its source.
func tables(t testing.TB) (class map[string]byte, prints []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleDir(t, "github.com/corazawaf/libinjection-go"), "sqli_data.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "var sqlKeywords = map[string]byte{")
	if !ok {
		t.Fatal("no table of words in libinjection's source")
	}
	class = map[string]byte{}
	for _, m := range regexp.MustCompile(`(?m)^\s*("(?:[^"\\]|\\.)*"):\s*'(.)',$`).FindAllStringSubmatch(table, -1) {
		word, err := strconv.Unquote(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if m[2] == "F" {
			prints = append(prints, word[1:])
		} else {
			class[word] = m[2][0]
		}
	}
	if len(class) < 900 || len(prints) < 8000 {
		t.Fatalf("read %d words and %d fingerprints: the table looks different now", len(class), len(prints))
	}
	return class, prints
}

// TestSkipFingerprints is the first half of the proof: no fingerprint is made of harmless classes only.
func TestSkipFingerprints(t *testing.T) {
	_, prints := tables(t)
	for _, harmless := range []string{`N1OF,.:;?{}\`, `N1FV,.:?{}\`, `N1FS,.:?{}\`} {
		for _, p := range prints {
			if strings.Trim(p, harmless) == "" {
				t.Errorf("fingerprint %s is made of %s only", p, harmless)
			}
		}
	}
	for _, p := range prints {
		if len(p) == 5 && (strings.Trim(p, "N1FKS") == "" || strings.Trim(p, "N1F&S") == "" && strings.Count(p, "&") < 2) {
			t.Errorf("fingerprint %s is made of names and keywords, or of names and one and", p)
		}
	}
}

// classOf is what a word is taken for, whatever its neighbours in the filter.
func classOf(word string) int {
	h := uint32(0)
	for i := range len(word) {
		h = mix(h, words.fold[word[i]])
	}
	return words.class(h, word)
}

// TestSkipWords is the second half: what is no harmless word is risky, and every phrase holds a risky word or is an operator.
func TestSkipWords(t *testing.T) {
	class, _ := tables(t)
	risky := map[string]bool{}
	for w := range strings.FieldsSeq(strings.ToUpper(riskyWords())) {
		risky[w] = true
	}
	for word, c := range class {
		switch {
		case strings.Contains(word, " "):
			held := slices.ContainsFunc(strings.Fields(word), func(w string) bool { return risky[w] })
			if !held && c != 'o' {
				t.Errorf("phrase %q is %c and holds no risky word", word, c)
			}
			held = slices.ContainsFunc(strings.Fields(word), func(w string) bool { return risky[w] && classOf(w) == classStop })
			if !held && !slices.ContainsFunc(strings.Fields(word), func(w string) bool { return classOf(w) == classOperator }) {
				t.Errorf("phrase %q would shorten a row of names", word)
			}
		case (word[0] < 'A' || word[0] > 'Z') && word[0] != '_':
			if c != 'o' && word != "&&" && word != "||" {
				t.Errorf("sign %q is %c", word, c)
			}
		case c == 'o':
			if classOf(word) != classOperator && !risky[word] {
				t.Errorf("%q is an operator", word)
			}
		case classOf(word) == classKeyword && c != 'k', classOf(word) == classLogic && c != '&', classOf(word) == classOperator:
			t.Errorf("%q is %c", word, c)
		case strings.Contains(word, ".") && c != 'f' && c != 'n':
			t.Errorf("%q has a dot and is %c", word, c)
		case c != 'n' && c != '1' && c != 'f' && !risky[word]:
			t.Errorf("word %q is %c and not risky", word, c)
		}
	}
	if !risky["IF"] || class["IF"] != 'f' {
		t.Error("a function behind ; becomes a statement where its name begins with IF")
	}
	for word, c := range class {
		if first, _, _ := strings.Cut(word, " "); c == 'f' && strings.HasPrefix(word, "IF") && !risky[first] {
			t.Errorf("function %q behind ; becomes a statement", word)
		}
	}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if u := unicode.ToUpper(r); u < 0x80 && string(r)[1] != 0xb1 && string(r)[1] != 0xbf {
			t.Errorf("upper case of %c is %c", r, u)
		}
	}
}

// pieces are texts of each class of tokens, alone and where they touch others differently.
func pieces() []string {
	return []string{
		"abc", "x", "a.b", "1", "1.5e3", "1e", "1ef", "0x1F", "0b2", ".", ".5", "=", "+", "-", "*", "/", "%", "!", "~", "<", "::", ":=", ":", "|", "&",
		",", ";", "?", "{", "}", "[", "[a]", "\\", "\\N", "$", "$1.0", "$a", "@", "@@v", "@v.w", "is", "not", "like", "true", "count", "for", "by", "sounds",
		" ", "#", "(", ")", "`", "'", "''", "\\'", "\"", "'a'", "x'", "nq'", "'b", "--", "/*", "*/", "select", "union", "if", "group", "and", "int", "null", "collate", "as", "in", "or", "not.5union", "count.as", ".5e-1else", "\xa0", "\x00", "é", "ı",
	}
}

// TestSkipExhaustive tries every row of up to three pieces as they are and with spaces between, and rows of five of the classes, against
// libinjection itself: what is passed by must not match.
func TestSkipExhaustive(t *testing.T) {
	all := pieces()
	check := func(value string) {
		if skipSQLi(value) {
			if found, print := libinjection.IsSQLi(value); found {
				t.Fatalf("%q is passed by, yet matches as %s", value, print)
			}
		}
		if skipXSS(value) && libinjection.IsXSS(value) {
			t.Fatalf("%q is passed by, yet is a script", value)
		}
	}
	skipped := 0
	for _, a := range all {
		check(a)
		for _, b := range all {
			check(a + b)
			check(a + " " + b)
			for _, c := range all {
				check(a + b + c)
				check(a + " " + b + " " + c)
				if skipSQLi(a + " " + b + " " + c) {
					skipped++
				}
			}
		}
	}
	words := []string{"abc", "1", "in", "and", "or", "from", "count"}
	for n := range 7 * 7 * 7 * 7 * 7 * 7 {
		row := ""
		for range 6 {
			row, n = row+words[n%7]+" ", n/7
		}
		check(row)
	}
	if skipped < 50_000 {
		t.Errorf("only %d of the rows are passed by: nothing is gained", skipped)
	}
	classes := []string{"abc", "1", "=", "-", ",", ".", ";", "@v", "is", "'", "\"", "\\"}
	row := make([]string, 5)
	var walk func(n int)
	walk = func(n int) {
		if n == len(row) {
			check(strings.Join(row, " "))
			return
		}
		for _, c := range classes {
			row[n] = c
			walk(n + 1)
		}
	}
	if !testing.Short() {
		walk(0)
	}
	row, classes = row[:4], append(classes, ":", "::", "not", "{", "}", "?", "like", "for")
	walk(0)
}

// TestSkipXSSNames sees that no attribute or tag that libinjection reports is passed by. The names come from its own source.
func TestSkipXSSNames(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(moduleDir(t, "github.com/corazawaf/libinjection-go"), "xss_decls.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([A-Z:]+)"`).FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = true
	}
	if len(names) < 400 {
		t.Fatalf("only %d names in libinjection's source", len(names))
	}
	reported := 0
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for _, form := range []string{
			"x on%s=1", "x %s=1", "on%s=1", "'on%s =1", "\"/on%s\x00=1", "`\x00%s\t\x00=javascript:x", "x %s=data:1", "<%s>", "<\x00%s/", "x %s=onclick",
		} {
			value := fmt.Sprintf(form, name)
			if !libinjection.IsXSS(value) {
				continue
			}
			if reported++; skipXSS(value) {
				t.Errorf("%q is passed by", value)
			}
		}
	}
	if reported < 1000 {
		t.Errorf("libinjection reports only %d of the values", reported)
	}
}

func FuzzSkip(f *testing.F) {
	for _, v := range values() {
		f.Add(v)
	}
	for _, v := range pieces() {
		f.Add("1 " + v + " abc " + v + " 2")
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, v := range []string{value, strings.NewReplacer("(", "", "`", "", "#", "", "@", "", "=", "").Replace(value)} {
			found, print := libinjection.IsSQLi(v)
			if found && skipSQLi(v) {
				t.Errorf("%q is passed by, yet matches as %s", v, print)
			}
			if f, p := readSQLi(v); f != found || p != print {
				t.Errorf("%q: in upper case %v %s, else %v %s", v, f, p, found, print)
			}
			if skipXSS(v) && libinjection.IsXSS(v) {
				t.Errorf("%q is passed by, yet is a script", v)
			}
		}
	})
}

// TestSkipsOrdinary holds what ordinary values cost: these must be passed by.
func TestSkipsOrdinary(t *testing.T) {
	for _, v := range []string{
		"", "word", "true", "42", "-3.5", "1e9", "2024-05-06", "2024-05-06T07:08:09.123Z", "ann@example.org", "https://www.example.org/a/b?c=d&e=f%20g",
		"550e8400-e29b-41d4-a716-446655440000", "aGVsbG8gd29ybGQsIGhlbGxvIQ==", "The quick brown fox jumps over the lazy dog and runs from it.",
		"Mozilla/5.0 (X11; Linux x86_64)", "#ff8800", "a, b, c", "$1,234.50", "12:30", "192.0.2.1", "2001:db8::1", "/var/lib/x.conf", "foo_bar-baz",
	} {
		if v != "#ff8800" && v != "Mozilla/5.0 (X11; Linux x86_64)" && !skipSQLi(v) {
			t.Errorf("%q is not passed by for SQL", v)
		}
		if !skipXSS(v) {
			t.Errorf("%q is not passed by for scripts", v)
		}
	}
}
