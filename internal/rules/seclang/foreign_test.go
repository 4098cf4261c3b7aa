package seclang

import (
	"fmt"
	"strings"
	"testing"
)

// TestForeign includes files that are no rules: what stands in them is in no fault.
func TestForeign(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"environ":  {"HOME=/root\x00KEY=hunter2\x00", 1},
		"shadow":   {"# accounts\n\nroot:hunter2:19000:0:::\nbin:*:hunter2::\n", 3},
		"key":      {"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", 1},
		"quoted":   {"a=\"hunter2\n\n", 1},
		"cut":      {"hunter2 \\", 1},
		"mixed":    {"SecMarker a\nSecMarker b\x00hunter2\n", 2},
		"mark":     {"\ufeffhunter2", 1},
		"utf16":    {"S\x00e\x00c\x00h\x00u\x00n\x00t\x00e\x00r\x002\x00", 1},
		"longword": {"hunter2" + strings.Repeat("x", 100000), 1},
	} {
		_, faults := Parse(texts{"main.conf": "Include other\n", "other": c.text}, []string{"main.conf"})
		if len(faults) != 1 || faults[0].File != "other" || faults[0].Line != c.line {
			t.Errorf("%s: %v", name, faults)
		}
		if shown := fmt.Sprintf("%+v", faults); strings.Contains(shown, "hunter2") {
			t.Errorf("%s: %s", name, shown)
		}
	}
	for _, text := range []string{"", "# nothing\n", "\ufeffSecMarker a\n", "  secmarker a\n", "\n# x\nINCLUDE b\n"} {
		if _, faults := Parse(texts{"main.conf": text, "b": ""}, []string{"main.conf"}); len(faults) > 0 {
			t.Errorf("%q: %v", text, faults)
		}
	}
	_, faults := Parse(texts{"main.conf": "SecRuul ARGS\nFrobnicate yes\n"}, []string{"main.conf"})
	if len(faults) != 2 || faults[1].Source != "Frobnicate yes" {
		t.Errorf("a file of rules is quoted no longer: %+v", faults)
	}
}
