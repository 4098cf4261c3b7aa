package coraza

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"
)

// tree is the file system that the engine sees while it loads: the embedded rule set, the rules that we put there under
// /~generation, and, below that, the user's data files where rule files name them. The generation keeps the engine's
// process-wide cache, which knows data files by path alone, from answering with the content of an earlier load.
type tree struct {
	prefix string            // "/~7"
	texts  map[string]string // rules by their name
	read   map[string][sha256.Size]byte
	failed error // of the last file that could not be read: the engine does not hand it on
}

var _ fs.ReadFileFS = (*tree)(nil)

func newTree(generation uint64) *tree {
	return &tree{prefix: fmt.Sprintf("/~%d", generation), texts: map[string]string{}, read: map[string][sha256.Size]byte{}}
}

// put stores rules that behave as if they stood beside file, and returns their name.
func (t *tree) put(file, text string) string {
	if !strings.HasPrefix(file, crsDir) {
		if abs, err := filepath.Abs(file); err == nil {
			file = abs
		}
		file = path.Join(t.prefix, filepath.ToSlash(file))
	}
	name := fmt.Sprintf("%s.%d", file, len(t.texts))
	t.texts[name] = text
	return name
}

// Open is there for fs.FS; the engine reads whole files only.
func (t *tree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}

// ReadFile implements fs.ReadFileFS.
func (t *tree) ReadFile(name string) ([]byte, error) {
	name = filepath.ToSlash(name)
	if text, ok := t.texts[name]; ok {
		return []byte(text), nil
	}
	if i := strings.Index(name, crsDir+"/"); i >= 0 {
		return fs.ReadFile(coreruleset.FS, name[i:])
	}
	real := strings.TrimPrefix(name, t.prefix)
	if len(real) > 2 && real[0] == '/' && real[2] == ':' { // a drive letter
		real = real[1:]
	}
	text, err := readBounded(filepath.FromSlash(real))
	if err != nil {
		t.failed = err
		return nil, err
	}
	t.read[real] = sha256.Sum256([]byte(text))
	return []byte(text), nil
}

// unchanged reports whether every data file that was read still has the same content.
func (t *tree) unchanged() bool {
	for name, sum := range t.read {
		b, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil || sha256.Sum256(b) != sum {
			return false
		}
	}
	return true
}
