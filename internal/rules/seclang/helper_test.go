package seclang

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4"
)

// texts are files in memory.
type texts map[string]string

func (t texts) Read(name string) ([]byte, error) {
	text, ok := t[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (t texts) Glob(pattern string) ([]string, error) {
	var names []string
	for name := range t {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// coreRules are the files of the Core Rule Set in the order in which they are loaded.
func coreRules(t testing.TB) (texts, []string) {
	t.Helper()
	names := []string{"@crs-setup.conf.example"}
	rules, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, rules...)
	files := texts{}
	for _, name := range names {
		b, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return files, names
}

// show writes faults as a person reads them.
func show(faults []Fault) string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%s:%d:%d: ", f.File, f.Line, f.Column)
		if f.Rule != 0 {
			fmt.Fprintf(&b, "rule %d: ", f.Rule)
		}
		b.WriteString(f.Text)
		if f.Hint != "" {
			b.WriteString("\n  hint: " + f.Hint)
		}
		b.WriteString("\n  | " + f.Source + "\n")
	}
	return b.String()
}

// render writes directives back as rules.
func render(ds []Directive) string {
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(d.Name)
		switch {
		case d.Rule == nil:
			for _, a := range d.Args {
				if strings.Contains(a.Text, "\n") {
					b.WriteString(" `" + a.Text + "`")
					continue
				}
				b.WriteString(` "` + strings.ReplaceAll(a.Text, `"`, `\"`) + `"`)
			}
		case d.Name == "SecAction":
			b.WriteString(" " + renderActions(d.Rule.Actions))
		default:
			b.WriteString(" " + renderTargets(d.Rule.Targets) + ` "` + renderOperator(d.Rule.Operator) + `"`)
			if len(d.Rule.Actions) > 0 {
				b.WriteString(" " + renderActions(d.Rule.Actions))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func renderOperator(o Operator) string {
	not := ""
	if o.Negated {
		not = "!"
	}
	return not + "@" + o.ID.String() + " " + strings.ReplaceAll(o.Argument, `"`, `\"`)
}

func renderTargets(targets []Target) string {
	var out []string
	for _, t := range targets {
		s := t.Variable.String()
		switch {
		case t.Exclude:
			s = "!" + s
		case t.Count:
			s = "&" + s
		}
		switch {
		case t.Regexp:
			s += ":/" + strings.ReplaceAll(t.Selector, "/", `\/`) + "/"
		case t.Selector != "":
			s += ":'" + strings.ReplaceAll(t.Selector, "'", `\'`) + "'"
		}
		out = append(out, s)
	}
	return `"` + strings.ReplaceAll(strings.Join(out, "|"), `"`, `\"`) + `"`
}

func renderActions(actions []Action) string {
	var out []string
	for _, a := range actions {
		s := a.ID.String()
		if a.Value != "" {
			s += ":'" + strings.ReplaceAll(a.Value, "'", `\'`) + "'"
		}
		out = append(out, s)
	}
	return `"` + strings.ReplaceAll(strings.Join(out, ","), `"`, `\"`) + `"`
}
