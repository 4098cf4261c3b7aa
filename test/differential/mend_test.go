package differential_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3/experimental/plugins"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// mendLock guards Coraza's table of transformations, which is one for the process, and serial numbers what is put into it.
var (
	mendLock   sync.Mutex
	mendSerial atomic.Int64
)

// register makes the mended transformations known to Coraza and returns what to write in place of each.
func (m *mends) register() map[string]string {
	mendLock.Lock()
	defer mendLock.Unlock()
	names := map[string]string{}
	for _, w := range m.rows {
		if w.transformation == "" {
			continue
		}
		name := fmt.Sprintf("mended%d%s", mendSerial.Add(1), strings.ToLower(w.transformation))
		names[w.transformation] = name
		plugins.RegisterTransformation(name, m.mended(w))
	}
	return names
}

// rewritten is the text of rules as Coraza understands it.
func (m *mends) rewritten(text string) string {
	for _, w := range m.rows {
		if w.text == nil {
			continue
		}
		if out := w.text(text); out != text {
			m.note(w.name)
			text = out
		}
	}
	return text
}

// mended is a transformation as it should be.
func (m *mends) mended(w row) plugintypes.Transformation {
	theirs := corazaOf(w.transformation)
	return func(s string) (string, bool, error) {
		old := theirs(s)
		out := rightly(w.transformation, theirs, s)
		if out != old {
			m.note(w.name)
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
type mendedFiles struct{ names map[string]string }

func (m mendedFiles) replace(text string) string {
	for name, mended := range m.names {
		for _, end := range []string{",", "\"", "'", "\\", "\n"} {
			text = strings.ReplaceAll(text, "t:"+name+end, "t:"+mended+end)
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
