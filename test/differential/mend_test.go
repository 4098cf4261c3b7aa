package differential_test

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
	"unicode"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3/experimental/plugins"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// register makes the mended transformations known to Coraza, whose table of them is one for the process.
func register() {
	for _, w := range transformationRows() {
		plugins.RegisterTransformation(mendedName(w.transformation), mended(w))
	}
	for _, w := range claimRows() {
		id, _ := transform.Lookup(w.transformation)
		plugins.RegisterTransformation(mendedName(w.transformation), func(s string) (string, bool, error) {
			var a transform.Arena
			out, changed := transform.Apply(&a, id, s)
			return out, changed && out != s, nil
		})
	}
}

func mendedName(transformation string) string { return "mended" + strings.ToLower(transformation) }

// rewritten is the text of rules as Coraza understands it.
func (m *mends) rewritten(text string) string {
	for _, w := range m.rows {
		if w.text == nil {
			continue
		}
		if out := w.text(text); out != text {
			note(w.name)
			text = out
		}
	}
	return text
}

// markers gives MATCHED_VAR and its name back when a SecMarker was passed. One is told from a SecAction by what Coraza's debug log says of it.
type markers struct {
	v           plugintypes.TransactionVariables
	value, name string
	fresh       bool // a rule begins
	forced      bool // and has no operator
}

func (m *mends) markers(v plugintypes.TransactionVariables) *markers {
	for _, w := range m.rows {
		if w.name == markerRow {
			return &markers{v: v}
		}
	}
	return nil
}

func (m *markers) hear(msg string) {
	switch msg {
	case "Evaluating rule":
		m.fresh, m.forced = true, false
		m.value, m.name = m.v.MatchedVar().Get(), m.v.MatchedVarName().Get()
	case "Forcing rule to match":
		m.forced = m.fresh
	case "Rule matched":
		m.forced = false
	case "Finished rule evaluation":
		if m.forced && (m.value != "" || m.name != "UNKNOWN") {
			note(markerRow)
			set(m.v.MatchedVar(), m.value)
			set(m.v.MatchedVarName(), m.name)
		}
		m.fresh, m.forced = false, false
	}
}

// located is where a redirect leads to.
func (m *mends) located(v plugintypes.TransactionVariables, place string) string {
	for _, w := range m.rows {
		if w.location == nil {
			continue
		}
		if out := w.location(v, place); out != place {
			note(w.name)
			place = out
		}
	}
	return place
}

// mended is a transformation as it should be.
func mended(w row) plugintypes.Transformation {
	theirs := corazaOf(w.transformation)
	return func(s string) (string, bool, error) {
		old := theirs(s)
		out := rightly(w.transformation, theirs, s)
		if out != old {
			note(w.name)
		}
		return out, out != s, nil
	}
}

// corazaOf is what Coraza makes of a value. Nobody outside can ask it, so it is put down here, in terms of ours for paths of Windows: TestDifferences of
// package transform holds Coraza to it.
func corazaOf(name string) func(string) string {
	cleaned := func(s string) string {
		switch out := path.Clean(s); {
		case s == "" || out == ".":
			return ""
		case strings.HasSuffix(s, "/"):
			return out + "/"
		default:
			return out
		}
	}
	switch name {
	case "lowercase":
		return strings.ToLower
	case "uppercase":
		return strings.ToUpper
	case "normalizePath":
		return cleaned
	case "normalizePathWin":
		id, _ := transform.Lookup(name)
		return func(s string) string {
			var a transform.Arena
			out, _ := transform.Apply(&a, id, s)
			if out == "/" && strings.HasSuffix(strings.ReplaceAll(s, `\`, "/"), "/") {
				return "//"
			}
			return out
		}
	}
	return func(s string) string {
		return strings.Map(func(c rune) rune {
			if unicode.IsSpace(c) {
				return -1
			}
			return c
		}, s)
	}
}

// mendedFiles is the Core Rule Set with the names of mended transformations.
type mendedFiles struct{ rows []row }

func (m mendedFiles) replace(text string) string {
	for _, w := range m.rows {
		if w.transformation == "" {
			continue
		}
		for _, end := range []string{",", "\"", "'", "\\", "\n"} {
			text = strings.ReplaceAll(text, "t:"+w.transformation+end, "t:"+mendedName(w.transformation)+end)
		}
	}
	return text
}

// Open implements fs.FS.
func (m mendedFiles) Open(name string) (fs.File, error) {
	if !strings.HasSuffix(name, ".conf") {
		return coreruleset.FS.Open(name)
	}
	b, err := fs.ReadFile(coreruleset.FS, name)
	if err != nil {
		return nil, err
	}
	text := m.replace(string(b))
	return &mendedFile{name: name, size: int64(len(text)), Reader: bytes.NewReader([]byte(text))}, nil
}

type mendedFile struct {
	*bytes.Reader

	name string
	size int64
}

var _ io.Reader = (*mendedFile)(nil)

func (f *mendedFile) Stat() (fs.FileInfo, error) { return f, nil }
func (*mendedFile) Close() error                 { return nil }
func (f *mendedFile) Name() string               { return f.name }
func (f *mendedFile) Size() int64                { return f.size }
func (*mendedFile) Mode() fs.FileMode            { return 0o444 }
func (*mendedFile) ModTime() time.Time           { return time.Time{} }
func (*mendedFile) IsDir() bool                  { return false }
func (*mendedFile) Sys() any                     { return nil }
