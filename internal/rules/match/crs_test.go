package match

import (
	"bufio"
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	crs "github.com/corazawaf/coraza-coreruleset/v4"
)

type rule struct {
	id    string
	level int
	p     Pattern
}

var (
	reDirective = regexp.MustCompile(`"(!?)@(rx|pm|pmFromFile) ((?:[^"\\]|\\.)*)"`)
	reID        = regexp.MustCompile(`\bid:(\d+)`)
	reLevel     = regexp.MustCompile(`paranoia-level/(\d)`)
)

// crsRules reads every @rx and @pm of the CRS, in order.
func crsRules(t testing.TB) []rule {
	names, err := fs.Glob(crs.FS, "@owasp_crs/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatal(err, len(names))
	}
	var out []rule
	for _, name := range names {
		text, err := fs.ReadFile(crs.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		id, level, pend := "", 1, 0
		for _, line := range strings.Split(string(text), "\n") {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "#") {
				continue
			}
			if m := reID.FindStringSubmatch(line); m != nil {
				id, level = m[1], 1
				if pend > 0 {
					out[len(out)-1].id = id
				}
			}
			if m := reLevel.FindStringSubmatch(line); m != nil {
				level = int(m[1][0] - '0')
				for i := len(out) - 1; i >= 0 && out[i].id == id; i-- {
					out[i].level = level
				}
			}
			pend = 0
			if m := reDirective.FindStringSubmatch(line); m != nil {
				out = append(out, rule{id: id, level: level, p: crsPattern(t, m[2], strings.ReplaceAll(m[3], `\"`, `"`))})
				pend = 1
			}
		}
	}
	return out
}

func crsPattern(t testing.TB, op, arg string) Pattern {
	switch op {
	case "rx":
		return Pattern{Kind: Regexp, Expr: arg}
	case "pm":
		return Pattern{Kind: Words, Words: strings.Split(strings.ToLower(arg), " ")}
	}
	text, err := fs.ReadFile(crs.FS, "@owasp_crs/"+arg)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		if l := strings.TrimSpace(sc.Text()); l != "" && l[0] != '#' {
			words = append(words, strings.ToLower(l))
		}
	}
	return Pattern{Kind: Words, Words: words}
}
