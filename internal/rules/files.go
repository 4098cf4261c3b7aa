package rules

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// maxFile is how long a file of rules or of words may be, in bytes.
const maxFile = 16 << 20

// Inputs are the files outside the program that rules were read from, or would have been.
type Inputs struct {
	Files map[string]fs.FileInfo // by name, as they were right before they were read; nil: could not be
	Globs map[string][]string    // patterns of Includes, with the files that each matched
}

// Add takes in what o has more.
func (in *Inputs) Add(o Inputs) {
	if in.Files == nil {
		in.Files, in.Globs = map[string]fs.FileInfo{}, map[string][]string{}
	}
	maps.Copy(in.Files, o.Files)
	maps.Copy(in.Globs, o.Globs)
}

// tree is the files that rules may name: the embedded rule set under its own name, the user's by path. It keeps what it read, so
// that a later load can tell whether something changed.
type tree struct {
	read   map[string][sha256.Size]byte
	inputs Inputs
}

var _ seclang.Files = (*tree)(nil)

func newTree() *tree {
	t := &tree{read: map[string][sha256.Size]byte{}}
	t.inputs.Add(Inputs{})
	return t
}

// Read implements seclang.Files.
func (t *tree) Read(name string) ([]byte, error) {
	if slash := filepath.ToSlash(name); strings.HasPrefix(slash, crsDir+"/") {
		return fs.ReadFile(coreruleset.FS, slash)
	}
	t.inputs.Files[name], _ = os.Stat(name) // before it is read: what changes meanwhile is seen later
	b, err := readBounded(name)
	if err != nil {
		return nil, err
	}
	t.read[name] = sha256.Sum256(b)
	return b, nil
}

// Glob implements seclang.Files.
func (t *tree) Glob(pattern string) ([]string, error) {
	if slash := filepath.ToSlash(pattern); strings.HasPrefix(slash, crsDir+"/") {
		return fs.Glob(coreruleset.FS, slash)
	}
	names, err := filepath.Glob(pattern)
	t.inputs.Globs[pattern] = names
	return names, err
}

// unchanged reports whether every file that was read still has the same content.
func (t *tree) unchanged() bool {
	for name, sum := range t.read {
		b, err := readBounded(name)
		if err != nil || sha256.Sum256(b) != sum {
			return false
		}
	}
	return true
}

func readBounded(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: not a regular file", path)
	}
	if st.Size() > maxFile {
		return nil, fmt.Errorf("open %s: larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
