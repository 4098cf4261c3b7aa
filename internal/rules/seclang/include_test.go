package seclang

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSplitByInclude cuts a file of the rule set at each directive in turn, moves the rest into a file of its own, and demands the same
// directives.
func TestSplitByInclude(t *testing.T) {
	files, _ := coreRules(t)
	text := files["@owasp_crs/REQUEST-921-PROTOCOL-ATTACK.conf"]
	want, faults := ParseText(nil, "whole.conf", text)
	if len(faults) > 0 {
		t.Fatal(show(faults))
	}
	lines := strings.SplitAfter(text, "\n")
	for _, d := range want {
		at := d.Line - 1
		split := texts{
			"a/first.conf":     strings.Join(lines[:at], "") + "Include rest/*.conf\n",
			"a/rest/more.conf": strings.Join(lines[at:], ""),
		}
		got, faults := Parse(split, []string{"a/first.conf"})
		if len(faults) > 0 {
			t.Fatalf("cut at line %d: %s", d.Line, show(faults))
		}
		if diff := cmp.Diff(want, got, places()); diff != "" {
			t.Fatalf("cut at line %d (-whole +split):\n%s", d.Line, diff)
		}
	}
}

func TestInclude(t *testing.T) {
	deep := texts{}
	for i := range 40 {
		deep[fmt.Sprintf("d%d.conf", i)] = fmt.Sprintf("Include d%d.conf\n", i+1)
	}
	wide := texts{"main.conf": strings.Repeat("Include one.conf\n", 1100), "one.conf": "SecRuleEngine On\n"}
	tests := []struct {
		name  string
		files texts
		start string
		want  string // the files of the directives, in order; faults
	}{
		{
			"relative to the file",
			texts{"a/b.conf": "Include c/d.conf", "a/c/d.conf": "Include ../e.conf\nSecRuleEngine On", "a/e.conf": "SecRuleEngine On"},
			"a/b.conf", "a/e.conf a/c/d.conf",
		},
		{"absolute", texts{"a/b.conf": "Include /x.conf", "/x.conf": "SecRuleEngine On"}, "a/b.conf", "/x.conf"},
		{"built in", texts{"a/b.conf": "Include @x/y.conf", "@x/y.conf": "SecRuleEngine On"}, "a/b.conf", "@x/y.conf"},
		{"beside what is built in", texts{"@x/z.conf": "Include y.conf", "@x/y.conf": "SecRuleEngine On"}, "@x/z.conf", "@x/y.conf"},
		{
			"in the order of names",
			texts{"m": "Include p/*.conf\nSecRuleEngine On", "p/2.conf": "SecRuleEngine On", "p/10.conf": "SecRuleEngine On"},
			"m", "p/10.conf p/2.conf m",
		},
		{"none", texts{"m": "Include p/*.conf\nSecRuleEngine On"}, "m", "m"},
		{"quoted", texts{"m": `Include "a b.conf"`, "a b.conf": "SecRuleEngine On"}, "m", "a b.conf"},
		{"with a blank", texts{"m": `Include a b.conf`, "a b.conf": "SecRuleEngine On"}, "m", "a b.conf"},
		{"missing", texts{"m": "\n Include x.conf"}, "m", `m:2:10: read "x.conf": file does not exist`},
		{"missing at the start", texts{}, "m", `m:0:0: read "m": file does not exist`},
		{"itself", texts{"m": "Include m"}, "m", "m:1:9: files include one another in a circle: m → m"},
		{"circle", texts{"m": "Include a", "a": "Include b", "b": "Include a"}, "m", "b:1:9: files include one another in a circle: a → b → a"},
		{"twice", texts{"m": "Include a\nInclude a", "a": `SecAction "id:1"`}, "m", "a a:1:12: id 1 is taken"},
		{"chain goes on", texts{"m": "SecRule ARGS a \"id:1,chain\"\nInclude a", "a": "SecRule ARGS b"}, "m", "m a"},
		{"deep", deep, "d0.conf", "d20.conf:1:9: more than 20 Includes within one another, or 1000 files"},
		{
			"cut in the included file", texts{"m": "Include a\nSecRuleEngine On", "a": "SecRuleEngine \\"},
			"m", "m a:1:15: the file ends where a \\ says that the line goes on",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ds, faults := Parse(test.files, []string{test.start})
			var got []string
			for _, d := range ds {
				got = append(got, d.File)
			}
			for _, f := range faults {
				got = append(got, fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if ds, faults := Parse(wide, []string{"main.conf"}); len(ds) != 999 || len(faults) != 1 {
		t.Errorf("1100 Includes: %d directives, %s", len(ds), show(faults))
	}
}

// TestParseOrder reads two files: markers, chains and ids reach from one into the next.
func TestParseOrder(t *testing.T) {
	files := texts{
		"a": "SecAction \"id:1,skipAfter:END\"\nSecRule ARGS a \"id:2,chain\"\n",
		"b": "SecRule ARGS b\nSecMarker END\nSecAction id:1\nSecAction id:3,skipAfter:LOST",
	}
	ds, faults := Parse(files, []string{"a", "b"})
	want := "b:3:11: rule 1: id 1 is taken\n  hint: the first rule with it stands at a:1\n  | SecAction id:1\n" +
		"b:4:16: rule 3: no SecMarker \"LOST\" follows\n  hint: write SecMarker \"LOST\" behind the rules to skip\n  | SecAction id:3,skipAfter:LOST\n"
	if diff := cmp.Diff(want, show(faults)); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, d := range ds {
		names = append(names, fmt.Sprintf("%s:%d", d.File, d.Line))
	}
	if diff := cmp.Diff([]string{"a:1", "a:2", "b:1", "b:2", "b:4"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestParseBeside reads a file that others surround.
func TestParseBeside(t *testing.T) {
	core, names := coreRules(t)
	first, faults := Parse(core, names)
	if len(faults) > 0 {
		t.Fatal(show(faults))
	}
	own := texts{"own": "SecMarker END-REQUEST-942\nSecAction \"id:1,skipAfter:END-RESPONSE-959-BLOCKING-EVALUATION\"\n" +
		"SecAction \"id:942100\"\nSecAction \"id:2,skipAfter:LOST\"\n"}
	_, faults = ParseBeside(own, []string{"own"}, SurroundingsOf(first))
	if len(faults) != 2 || !strings.Contains(faults[0].Text, "id 942100 is taken") || !strings.Contains(faults[0].Hint, "@owasp_crs/REQUEST-942") ||
		!strings.Contains(faults[1].Text, `no SecMarker "LOST"`) {
		t.Errorf("%s", show(faults))
	}
	if _, faults = Parse(own, []string{"own"}); len(faults) != 2 || !strings.Contains(faults[0].Text, "no SecMarker") {
		t.Errorf("alone: %s", show(faults))
	}
}

func TestBounds(t *testing.T) {
	_, faults := ParseText(nil, "a", strings.Repeat("SecNothing\n", 500))
	if len(faults) != maxFaults+1 || !strings.Contains(faults[maxFaults].Text, "more faults") {
		t.Errorf("%d faults listed", len(faults))
	}
	tests := []struct{ name, text, want string }{
		{"directive", `SecRule ARGS "` + strings.Repeat("a", maxLine) + `" "id:1"`, "at most 1 MiB"},
		{"targets", `SecRule ` + strings.Repeat("ARGS|", 1000) + `ARGS "a" "id:1"`, "more than 1000 targets"},
		{"actions", `SecAction "id:1,` + strings.Repeat("log,", 1000) + `log"`, "more than 1000 actions"},
	}
	for _, test := range tests {
		_, faults := ParseText(nil, "a", test.text)
		found := slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.Text, test.want) })
		if !found || len(faults) > 2 {
			t.Errorf("%s: %s", test.name, show(faults))
		}
	}
	big := texts{"a": strings.Repeat("#", maxFile+1)}
	if _, faults := Parse(big, []string{"a"}); len(faults) != 1 || !strings.Contains(faults[0].Text, "at most 16 MiB") {
		t.Errorf("%s", show(faults))
	}
}
