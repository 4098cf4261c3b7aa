package compile

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

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

func TestDumpCRS(t *testing.T) {
	for _, level := range []string{"1", "2", "3", "4"} {
		p := compileCRS(t, level, Options{})
		text := p.String()
		if level == "1" {
			t.Log(text)
		} else {
			for line := range strings.SplitSeq(text, "\n") {
				if strings.HasPrefix(line, "rules") || strings.HasPrefix(line, "phase") {
					t.Log(level, line)
				}
			}
		}
	}
}
