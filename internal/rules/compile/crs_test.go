package compile

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// memory is files by name; what it lacks is read from the Core Rule Set.
type memory map[string]string

func (m memory) Read(name string) ([]byte, error) {
	if text, ok := m[name]; ok {
		return []byte(text), nil
	}
	return fs.ReadFile(coreruleset.FS, name)
}

func (m memory) Glob(pattern string) ([]string, error) {
	var out []string
	for _, name := range sortedKeys(m) {
		if ok, err := path.Match(pattern, name); err != nil {
			return nil, err
		} else if ok {
			out = append(out, name)
		}
	}
	return out, nil
}

const setup = `SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecAction "id:1,phase:1,pass,nolog,t:none,setvar:tx.crs_setup_version=4250"
`

// crs parses the whole Core Rule Set behind text.
func crs(t testing.TB, text string) (seclang.Files, []seclang.Directive) {
	t.Helper()
	files := memory{"setup.conf": setup + text}
	names := []string{"setup.conf"}
	list, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil || len(list) == 0 {
		t.Fatalf("list core rule set: %v, %d files", err, len(list))
	}
	directives, faults := seclang.Parse(files, append(names, list...))
	for _, f := range faults {
		t.Errorf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	}
	return files, directives
}

// levels is what a site of one paranoia level has set.
func levels(n string) map[string]string {
	return map[string]string{"blocking_paranoia_level": n, "detection_paranoia_level": n}
}

// compileCRS compiles the whole Core Rule Set at one paranoia level.
func compileCRS(t testing.TB, level string, o Options) *Program {
	t.Helper()
	files, list := crs(t, "")
	o.Files, o.Fixed = files, levels(level)
	p, faults := Compile(list, o)
	for _, f := range faults {
		t.Errorf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

// TestCRS states what the Core Rule Set comes down to at each paranoia level, and which rules always run.
func TestCRS(t *testing.T) {
	var b strings.Builder
	for _, level := range []string{"1", "2", "3", "4"} {
		p := compileCRS(t, level, Options{bare: true})
		fmt.Fprintf(&b, "paranoia %s: %d rules, %d folded, %d chains\n", level, len(p.Rules), p.Folded, len(p.Chains))
		early := 0
		for n, ph := range p.Phases {
			if len(ph.Rules) == 0 {
				continue
			}
			var ids []string
			for pos, i := range ph.Rules {
				if hasBit(ph.Plan.Always, pos) {
					ids = append(ids, strconv.Itoa(p.Rules[i].ID))
				}
			}
			if n <= 2 {
				early += len(ids)
			}
			fmt.Fprintf(&b, "phase %d: %d rules, always %d:", n, len(ph.Rules), len(ids))
			if level == "1" {
				b.WriteString(" " + strings.Join(ids, " "))
			}
			b.WriteByte('\n')
		}
		if level == "1" && early > 60 {
			t.Errorf("%d rules always run in phases 1 and 2 at paranoia 1, more than 60", early)
		}
	}
	compare(t, "testdata/crs.golden", b.String())
}

// TestSame compiles twice: equal input gives an equal program.
func TestSame(t *testing.T) {
	a, b := compileCRS(t, "2", Options{bare: true}), compileCRS(t, "2", Options{bare: true})
	if diff := cmp.Diff(a.String(), b.String()); diff != "" {
		t.Error(diff)
	}
	if a.Memory() != b.Memory() || a.Memory() < 100<<10 {
		t.Errorf("memory %d and %d", a.Memory(), b.Memory())
	}
}

// BenchmarkCompile compiles the whole Core Rule Set at its highest level, parsing aside: with its patterns, and the rules alone.
func BenchmarkCompile(b *testing.B) {
	files, list := crs(b, "")
	for _, bare := range []bool{false, true} {
		b.Run(map[bool]string{false: "whole", true: "rules"}[bare], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, faults := Compile(list, Options{Files: files, Fixed: levels("4"), bare: bare})
				if len(faults) > 0 {
					b.Fatal(faults)
				}
				b.ReportMetric(float64(p.Memory())/(1<<20), "MiB")
			}
		})
	}
}
