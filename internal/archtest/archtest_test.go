package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the rules say into testdata")

// TestLunette holds the rules for this module.
func TestLunette(t *testing.T) {
	tree, err := Load(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) < 4 {
		t.Fatalf("only %d packages found: the walk is broken", len(tree.Packages))
	}
	for _, v := range Check(tree, exceptions()) {
		t.Error(v)
	}
}

// TestRulesBite shows that each rule refuses what it should, and only that: every archive under testdata is a small
// module and, in its file "want", what the rules say about it. A line "@repeat N text" stands for N lines.
func TestRulesBite(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			name := filepath.Join("testdata", r.name+".txtar")
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatalf("rule %s has no tree that breaks it: %v", r.name, err)
			}
			got := verdict(t, archive, nil)
			if !strings.Contains(got, ": "+r.name+": ") {
				t.Errorf("rule %s refuses nothing in %s:\n%s", r.name, name, got)
			}
			want := ""
			for i, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					archive.Files[i].Data = []byte(got)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

// TestExceptions shows that an exception silences what it names and is refused when it silences nothing.
func TestExceptions(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "init.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	needed := Exception{Rule: "init", File: "internal/fact/fact.go", Name: "init", Why: "test"}
	if got := verdict(t, archive, []Exception{needed}); got != "" {
		t.Errorf("the exception did not silence: %s", got)
	}
	idle := Exception{Rule: "state", File: "internal/fact/fact.go", Name: "gone", Why: "test"}
	if got := verdict(t, archive, []Exception{needed, idle}); !strings.Contains(got, "remove the exception") {
		t.Errorf("an idle exception passed: %q", got)
	}
}

// TestLawIsWellFormed shows that no row hides another, and that each has a reason.
func TestLawIsWellFormed(t *testing.T) {
	table := law()
	for i, r := range table {
		if r.why == "" {
			t.Errorf("row %s has no reason", r.pkg)
		}
		if first, _ := lawOf(table, rowDir(r)); first.pkg != r.pkg {
			t.Errorf("row %d (%s) is hidden by row %s", i, r.pkg, first.pkg)
		}
	}
}

// TestModulesAreWrittenDown shows that every dependency that the law knows has its line in the decision about them.
func TestModulesAreWrittenDown(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "decisions", "0002-dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules() {
		if !strings.Contains(string(page), m.path) {
			t.Errorf("docs/decisions/0002-dependencies.md says nothing about %s", m.path)
		}
	}
}

// verdict unpacks the archive and returns what the rules say, one line each.
func verdict(t *testing.T, archive *txtar.Archive, exceptions []Exception) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		name := filepath.Join(root, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(repeat(t, string(f.Data))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, v := range Check(tree, exceptions) {
		b.WriteString(v.String() + "\n")
	}
	return b.String()
}

// repeat expands the "@repeat N text" lines.
func repeat(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "@repeat ")
		if !ok {
			b.WriteString(line)
			continue
		}
		count, what, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatalf("bad line %q: %v", line, err)
		}
		b.WriteString(strings.Repeat(what+"\n", n))
	}
	return b.String()
}
