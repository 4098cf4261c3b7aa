package captures

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIndexMatchesFiles(t *testing.T) {
	all := All(t)
	if len(all) != 150 {
		t.Errorf("%d captures, not 150", len(all))
	}
	listed := map[string]bool{}
	for _, c := range all {
		listed[c.Path] = true
		if _, err := os.Stat(c.Path); err != nil {
			t.Error(err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(Dir(), "*.pcap*"))
	for _, f := range files {
		if !listed[f] {
			t.Errorf("%s has no row in index.tsv", filepath.Base(f))
		}
	}
}

func TestRSAKey(t *testing.T) { RSAKeyFile(t) }
