package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files and the reference")

// Every file in testdata/bad has a .txt beside it: exactly what is printed for it.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	must(t, err)
	if len(files) < 20 {
		t.Fatalf("only %d bad files", len(files))
	}
	dir := testFiles(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			must(t, err)
			cfg, faults := Parse(filepath.Base(file), dir, data, testNow)
			if len(faults) == 0 {
				t.Fatal("no fault found")
			}
			if (cfg == nil) != faults.Failed() {
				t.Errorf("config is nil: %v, but faults failed: %v", cfg == nil, faults.Failed())
			}
			got := strings.ReplaceAll(faults.String(), dir, "DIR")
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", got)
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it)\n--- got\n%s--- want\n%s", path, got, want)
	}
}
