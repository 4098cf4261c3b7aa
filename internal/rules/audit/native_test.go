package audit_test

import (
	"regexp"
	"strings"
	"testing"
)

// part is a part of a native record as a reader sees it.
type part struct {
	letter string
	lines  []string
}

var boundary = regexp.MustCompile(`^--([0-9a-f]{16})-([A-Z])--$`)

// parse reads one native record as those who know the format do: lines that look like a boundary are boundaries.
func parse(t *testing.T, record string) (out []part) {
	t.Helper()
	lines := strings.Split(record, "\n")
	if len(lines) < 3 || lines[len(lines)-1] != "" || lines[len(lines)-2] != "" {
		t.Fatalf("no whole record: %q", record)
	}
	id := ""
	for _, line := range lines[:len(lines)-1] {
		m := boundary.FindStringSubmatch(line)
		switch {
		case len(m) == 3 && (id == "" || id == m[1]):
			id = m[1]
			out = append(out, part{letter: m[2]})
		case m != nil || strings.HasPrefix(line, "--"):
			t.Fatalf("a boundary that is none of ours: %q", line)
		case len(out) == 0:
			t.Fatalf("text before the first boundary: %q", line)
		default:
			out[len(out)-1].lines = append(out[len(out)-1].lines, line)
		}
	}
	for i, p := range out {
		n := len(p.lines)
		if i > 0 && (n == 0 || p.lines[n-1] != "") {
			t.Errorf("part %s does not end with an empty line: %q", p.letter, p.lines)
		}
		for _, line := range p.lines[:max(n-1, 0)] {
			if line == "" {
				t.Errorf("an empty line within part %s: %q", p.letter, p.lines)
			}
		}
	}
	if out[0].letter != "A" || out[len(out)-1].letter != "Z" || len(out[0].lines) != 1 || len(strings.Fields(out[0].lines[0])) != 7 {
		t.Errorf("head and end: %q", out)
	}
	return out
}

func TestNativeReadsBack(t *testing.T) {
	parts := parse(t, string(open(t, every("native")).Append(nil, blocked())))
	get := func(letter string) []string {
		for _, p := range parts {
			if p.letter == letter {
				return p.lines
			}
		}
		t.Fatalf("no part %s", letter)
		return nil
	}
	if b := get("B"); b[0] != "POST /login HTTP/1.1" || b[1] != "Host: shop.test" || len(b) != 9 {
		t.Errorf("%q", b)
	}
	if f := get("F"); f[0] != "HTTP/1.1 403" {
		t.Errorf("%q", f)
	}
	if h := get("H"); !strings.Contains(h[1], `Access denied with code 403 (phase 2). Matched "5" at TX:`) || !strings.Contains(h[0], `[id "942100"]`) {
		t.Errorf("%q", h)
	}
	if k := get("K"); len(k) != 3 || !strings.Contains(k[1], `[id "949110"]`) {
		t.Errorf("%q", k)
	}
}
