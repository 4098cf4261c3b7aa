package compile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

var update = flag.Bool("update", false, "write the golden files anew")

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

// parse reads a text of rules that must have no fault.
func parse(t testing.TB, text string) (seclang.Files, []seclang.Directive) {
	t.Helper()
	files := memory{"rules.conf": text}
	list, faults := seclang.Parse(files, []string{"rules.conf"})
	for _, f := range faults {
		t.Fatalf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	}
	return files, list
}

// TestCases compiles small texts of rules: the program, or its faults, and how it would be unfolded, is what the golden file says.
func TestCases(t *testing.T) {
	names, err := filepath.Glob("testdata/cases/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".conf"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, list := parse(t, string(text))
			o := Options{Files: files, Fixed: map[string]string{"fixed": "yes"}, Given: []string{"given"}}
			p, faults := Compile(list, o)
			var b strings.Builder
			for _, f := range faults {
				fmt.Fprintf(&b, "%s:%d:%d: rule %d: %s\n\thint: %s\n\t%s\n", f.File, f.Line, f.Column, f.Rule, f.Text, f.Hint, f.Source)
			}
			if p != nil {
				b.WriteString(p.String())
			}
			compare(t, strings.TrimSuffix(name, ".conf")+".golden", b.String())
		})
	}
}
