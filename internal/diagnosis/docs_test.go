package diagnosis

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/manual"
)

//go:generate go test -run TestManualIsFresh -update .

// updating reports whether -update was given, which package checktest declares.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// pages are the files of docs/findings.
func pages(t *testing.T) map[string][]byte {
	t.Helper()
	all := Checks()
	out := map[string][]byte{"README.md": manual.Index(all), "catalogue.md": manual.Catalogue(all)}
	for i := range all {
		out[string(all[i].Code)+".md"] = manual.Page(&all[i], sampleOf(t, &all[i]))
	}
	return out
}

// sampleOf is the case that lies beside a check.
func sampleOf(t *testing.T, k *check.Check) (s manual.Sample) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("check", "*", "testdata", string(k.Code)+".txtar"))
	if err != nil || len(names) != 1 {
		t.Errorf("%s has %d samples, not one", k.Code, len(names))
		return s
	}
	a, err := txtar.ParseFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		switch f.Name {
		case "facts":
			s.Facts = string(f.Data)
		case "findings":
			s.Words = string(f.Data)
		}
	}
	return s
}

// TestManualIsFresh holds docs/findings to the checks: no page is old, lacking or left over.
func TestManualIsFresh(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "findings")
	want := pages(t)
	if updating() {
		write(t, dir, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok {
			t.Errorf("docs/findings/%s belongs to no check", e.Name())
		}
	}
	for name, page := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), page) {
			t.Errorf("docs/findings/%s is not what the checks say: run go generate ./internal/diagnosis", name)
		}
	}
}

func write(t *testing.T, dir string, pages map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range old {
		if _, ok := pages[filepath.Base(name)]; !ok {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPagesAreReadable bounds the lines of the pages, but for code and tables, and holds that each has what a reader looks for.
func TestPagesAreReadable(t *testing.T) {
	for name, page := range pages(t) {
		fenced := false
		for line := range strings.Lines(string(page)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "```"):
				fenced = !fenced
			case !fenced && !strings.HasPrefix(line, "|") && !strings.Contains(line, "](") && !strings.Contains(line, "`") && len([]rune(line)) > 140:
				t.Errorf("%s has a line of %d characters: %s", name, len([]rune(line)), line)
			}
		}
		if fenced {
			t.Errorf("%s ends within code", name)
		}
	}
}
