package coraza

import (
	"os"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	list, faults := split("f", "# comment\n\nSecAction \"id:1,\\\n  # inside\n  phase:1\"\nSecDataset d `\na\nb\n`\nSecMarker END\n")
	if len(faults) != 0 || len(list) != 3 {
		t.Fatalf("%+v %v", list, faults)
	}
	for i, want := range []directive{{"f", 3, `SecAction "id:1,phase:1"`}, {"f", 6, "SecDataset d `\na\nb\n`"}, {"f", 10, "SecMarker END"}} {
		if list[i] != want {
			t.Errorf("%+v, want %+v", list[i], want)
		}
	}
	if d := list[0]; d.ruleID() != 1 || d.chained() || d.name() != "secaction" {
		t.Errorf("id %d, chained %v, name %s", d.ruleID(), d.chained(), d.name())
	}
	d := directive{text: `SecRule ARGS "@rx a\",id:9" "id:'7',msg:'a, chain, b',chain"`}
	if d.ruleID() != 7 || !d.chained() {
		t.Errorf("id %d, chained %v", d.ruleID(), d.chained())
	}
}

// Whatever the text: directives come in order, their lines lie within it, nothing is both kept and blank, and every line that is
// not blank nor a comment is accounted for by a directive or a fault.
func FuzzSplit(f *testing.F) {
	for _, name := range []string{"testdata/custom.conf", "testdata/broken.conf"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add("SecDataset a `\nx\n`\nSecAction \\\n\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, faults := split("f", text)
		lines, last := strings.Count(text, "\n")+1, 0
		for _, d := range list {
			if d.line <= last || d.line > lines || strings.TrimSpace(d.text) == "" {
				t.Fatalf("%+v after line %d of %d", d, last, lines)
			}
			last = d.line
			_, _, _ = d.ruleID(), d.chained(), d.args()
		}
		content := false
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line != `\` {
				content = true
			}
		}
		if content && len(list)+len(faults) == 0 {
			t.Fatalf("%q says nothing", text)
		}
	})
}
