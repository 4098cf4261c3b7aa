package diagnosis

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// TestLinks holds that the pages lead only where something is: other pages, reasons, decisions.
func TestLinks(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "findings")
	reasons, err := os.ReadFile(filepath.Join(dir, "..", "reasons.md"))
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for line := range strings.Lines(string(reasons)) {
		if title, ok := strings.CutPrefix(line, "### "); ok {
			anchors[strings.ReplaceAll(strings.TrimSpace(title), ".", "")] = true
		}
	}
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	all := pages(t)
	for name, page := range all {
		for _, m := range link.FindAllStringSubmatch(string(page), -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			switch {
			case strings.Contains(file, "://"), all[file] != nil:
			case file == "../reasons.md":
				if anchor != "" && !anchors[anchor] {
					t.Errorf("%s leads to %s, which docs/reasons.md has not", name, m[1])
				}
			default:
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Errorf("%s leads to %s, which is not there", name, m[1])
				}
			}
		}
	}
}

// TestCodesInTexts holds that a code which the papers of a check name is a finding, or a reason.
func TestCodesInTexts(t *testing.T) {
	code := regexp.MustCompile(`\b(?:dns|tcp|tls|cert|http1|http2|network|client)\.[a-z0-9]+(?:_[a-z0-9]+)+\b`)
	others := []string{"tcp.window_size"} // fields of tshark
	for _, k := range Checks() {
		for _, text := range papers(&k) {
			for _, named := range code.FindAllString(text, -1) {
				if _, ok := Named(finding.Code(named)); !ok && !reason.Known(reason.Code(named)) && !slices.Contains(others, named) {
					t.Errorf("%s names %s, which is neither a finding nor a reason", k.Code, named)
				}
			}
		}
	}
}

// papers are the texts of a check for people.
func papers(k *check.Check) []string {
	out := slices.Concat([]string{k.Title, k.Text}, k.Asks)
	for _, m := range k.Mends {
		out = append(out, m.Do)
	}
	return out
}
