package differential_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const pageFile = "../../docs/rules-differences.md"

// TestPage holds the page to the tables; -differential.update writes both tables anew.
func TestPage(t *testing.T) {
	b, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, part := range []struct {
		head string
		rows []row
	}{{"## Variables, bodies and actions\n", rows()}, {"## What the comparison keeps out of its way\n", avoided()}} {
		var want strings.Builder
		for _, w := range part.rows {
			if w.transformation == "" { // those stand above, by transformation
				fmt.Fprintf(&want, "| %s | %s | %s |\n", w.name, w.coraza, w.right)
			}
		}
		_, rest, ok := strings.Cut(page, part.head)
		_, rest, found := strings.Cut(rest, "|---|---|---|\n")
		if !ok || !found {
			t.Fatalf("%s: no table", part.head)
		}
		table, _, _ := strings.Cut(rest, "\n\n")
		if table += "\n"; *update {
			page = strings.Replace(page, table, want.String(), 1)
		} else if table != want.String() {
			t.Errorf("%s: the table is another than that of the tests: write it with -differential.update", part.head)
		}
	}
	if *update {
		if err := os.WriteFile(pageFile, []byte(page), 0o644); err != nil { //nolint:gosec // a page of the manual
			t.Fatal(err)
		}
	}
}
