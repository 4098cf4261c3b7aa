package rules

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// maxFile is how long a file of rules or of words may be, in bytes.
const maxFile = 16 << 20

// tree is the files that rules may name: the embedded rule set under its own name, the user's by path. It keeps what it read, so
// that a later load can tell whether something changed.
type tree struct{ read map[string][sha256.Size]byte }

var _ seclang.Files = (*tree)(nil)

func newTree() *tree { return &tree{read: map[string][sha256.Size]byte{}} }

// Read implements seclang.Files.
func (t *tree) Read(name string) ([]byte, error) {
	if slash := filepath.ToSlash(name); strings.HasPrefix(slash, crsDir+"/") {
		return fs.ReadFile(coreruleset.FS, slash)
	}
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
	return filepath.Glob(pattern)
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
