package seclang

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// places are what differs where the same rules are written in another way.
func places() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreTypes(Position{}),
		cmpopts.IgnoreFields(Directive{}, "Source"),
		cmpopts.EquateEmpty(),
	}
}

func TestCoreRulesParse(t *testing.T) {
	files, names := coreRules(t)
	directives, faults := Parse(files, names)
	if len(faults) > 0 {
		t.Fatalf("%d faults:\n%s", len(faults), show(faults))
	}
	rules, ids := 0, 0
	for _, d := range directives {
		if d.Line == 0 || d.Column == 0 || d.File == "" || d.Source == "" {
			t.Fatalf("%s has no place: %+v", d.Name, d.Position)
		}
		if d.Rule == nil {
			continue
		}
		rules++
		for _, a := range d.Rule.Actions {
			if a.ID == ActId {
				ids++
			}
		}
	}
	written, numbered := 0, 0
	for _, text := range files {
		written += len(regexp.MustCompile(`(?m)^\s*Sec(Rule|Action)\s`).FindAllString(text, -1))
		numbered += len(regexp.MustCompile(`(?m)^[^#\n]*\bid:\d+`).FindAllString(text, -1))
	}
	if rules != written || ids != numbered {
		t.Errorf("%d rules of %d, %d ids of %d", rules, written, ids, numbered)
	}
	again, faults := ParseText(nil, "rendered", render(directives))
	if len(faults) > 0 {
		t.Fatalf("rendered rules have faults:\n%s", show(faults))
	}
	if diff := cmp.Diff(directives, again, places()); diff != "" {
		t.Errorf("rendered rules differ (-first +again):\n%s", diff)
	}
}

// TestEveryFileParses reads each file of rules that the module of the rule set holds, by itself.
func TestEveryFileParses(t *testing.T) {
	for _, name := range []string{"@coraza.conf-recommended", "@crs-setup.conf.example"} {
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if ds, faults := ParseText(nil, name, string(text)); len(faults) > 0 || len(ds) < 3 {
			t.Errorf("%s: %d directives\n%s", name, len(ds), show(faults))
		}
	}
}

func BenchmarkCoreRules(b *testing.B) {
	files, names := coreRules(b)
	size := 0
	for _, text := range files {
		size += len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, faults := Parse(files, names); len(faults) > 0 {
			b.Fatal(show(faults))
		}
	}
}
