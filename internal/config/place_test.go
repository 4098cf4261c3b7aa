package config

import (
	"strings"
	"testing"
)

// A fault stands where the eye finds it, whatever comes before it on the line or in the file.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		name, text, message string
		line, column        int
		caret               string // what the caret marks
	}{
		{"first line", "lisen: []\n", "unknown key", 1, 1, "lisen"},
		{"byte order mark", "\ufefflisen: []\n", "unknown key", 1, 1, "lisen"},
		{"carriage returns", "log:\r\n  level: info\r\n  lebel: info\r\n", "unknown key", 3, 3, "lebel"},
		{"characters, not bytes", "log: {\"fórmat\": text, leval: info}\n", `unknown key "leval"`, 1, 23, "leval"},
		{"after a comment", "# ü\n\n# x\nlog:\n  # y\n  level: loud # z\n", "must be debug", 6, 10, "loud"},
		{"double quotes", "log:\n  level: \"lo\\u0075d\"\n", "must be debug", 2, 10, `"lo\u`},
		{"single quotes", "log:\n  level: 'loud'\n", "must be debug", 2, 10, "'loud'"},
		{"after a block", "admin:\n  token: |\n    0123456789abcdef\n    0123456789abcdef\nlog:\n  level: loud\n", "must be debug", 6, 10, "loud"},
		{"folded block", "log:\n  level: >-\n    loud\n", "must be debug", 2, 10, ">"},
		{"flow over lines", "log: {\n  level: info,\n  format: xml\n}\n", "must be text or json", 3, 11, "xml"},
		{"list item", "trusted_proxies:\n  - 10.0.0.0/8\n  - nowhere\n", "must be a network", 3, 5, "nowhere"},
		{"anchored value", "log:\n  level: &l loud\n", "must be debug", 2, 13, "loud"},
		{"aliased value", "drain_timeout: &l 30s\nlog:\n  level: *l\n", "must be debug", 1, 19, "30s"},
		{"tab in a value", "log: {level: \t loud}\n", "must be debug", 1, 16, "loud"},
		{"quoted key", "\"lisen\": []\n", "unknown key", 1, 1, "\"lisen\""},
		{"number as key", "502: x\n", "unknown key", 1, 1, "502"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, faults := Parse("x.yaml", t.TempDir(), []byte(c.text), testNow)
			for _, f := range faults {
				if !strings.Contains(f.Message, c.message) {
					continue
				}
				if f.Line != c.line || f.Column != c.column || !strings.HasPrefix(marked(f), c.caret) {
					t.Errorf("%d:%d marks %q, want %d:%d and %q\n%s", f.Line, f.Column, marked(f), c.line, c.column, c.caret, f)
				}
				return
			}
			t.Errorf("no fault about %q:\n%s", c.message, faults)
		})
	}
}

func marked(f Fault) string {
	runes := []rune(f.Source)
	from := min(f.caret-1, len(runes))
	return string(runes[from:min(from+f.Width, len(runes))])
}

func TestLongLinesAreCut(t *testing.T) {
	text := "log: {" + strings.Repeat(" ", 5000) + "level: loud" + strings.Repeat(" ", 5000) + "}\n"
	_, faults := Parse("x.yaml", t.TempDir(), []byte(text), testNow)
	for _, f := range faults {
		if len(f.Source) > maxShown {
			t.Errorf("line of %d characters is shown", len(f.Source))
		}
		if strings.HasPrefix(f.Message, "must be debug") && marked(f) != "loud" {
			t.Errorf("caret marks %q", marked(f))
		}
	}
	if len(faults) != 3 {
		t.Errorf("%d faults", len(faults))
	}
}
