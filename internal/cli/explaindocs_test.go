package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExplainExamples holds what README and docs/capture.md show to what is printed: the lines of their text blocks stand in the golden files.
func TestExplainExamples(t *testing.T) {
	printed := map[string]bool{"…": true}
	files, err := filepath.Glob(filepath.Join(goldens, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files: ", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			printed[strings.TrimRight(line, "\n")] = true
		}
	}
	for _, name := range []string{"README.md", "docs/capture.md"} {
		data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for block := range strings.SplitSeq(string(data), "\n```") {
			text, ok := strings.CutPrefix(block, "text\n")
			if !ok {
				continue
			}
			for line := range strings.Lines(text) {
				if shown++; !printed[strings.TrimRight(line, "\n")] {
					t.Errorf("%s shows what is not printed: %s", name, line)
				}
			}
		}
		if shown == 0 {
			t.Errorf("%s has no example", name)
		}
	}
}
