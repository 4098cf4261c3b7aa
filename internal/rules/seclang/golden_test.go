package seclang

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFaults reads files that are wrong: every fault, with its place and what to do, is what the golden file says.
func TestFaults(t *testing.T) {
	names, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Base(name)
			_, faults := Parse(texts{base: string(text)}, []string{base})
			compare(t, strings.TrimSuffix(name, ".conf")+".golden", show(faults))
			for _, f := range faults {
				inside(t, f.Position, string(text))
			}
		})
	}
}

// compare sets got against a golden file.
func compare(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// inside demands that a place is one of text.
func inside(t *testing.T, at Position, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > len(lines[at.Line-1])+1 {
		t.Errorf("%+v is no place of a text of %d lines", at, len(lines))
	}
}
