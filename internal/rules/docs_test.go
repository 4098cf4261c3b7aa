package rules_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
)

// The examples of the manual load, together and behind the Core Rule Set, and do what the text says.
func TestManualExamples(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, part := range strings.Split(string(b), "```seclang\n")[1:] {
		example, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatal("an example never ends")
		}
		text.WriteString(example)
	}
	dir := t.TempDir()
	write(t, dir, "bad-agents.data", "evilbot\n")
	write(t, dir, "own.conf", text.String())
	e := open(t, rules.Settings{Files: []string{filepath.Join(dir, "own.conf")}})
	if o := run(e, get("/old-admin/x"), ""); o.answer == nil || o.answer.Status != http.StatusNotFound {
		t.Errorf("old admin: %v", o.err)
	}
	if o := run(e, get("/", "X-Agent", "EvilBot/1"), ""); o.err != nil {
		t.Errorf("points below the threshold: %v", o.err)
	}
	if o := run(e, post("/up", "image/png"), "\x89PNG\r\n\x1a\n"); o.err != nil {
		t.Errorf("image: %v", o.err)
	}
	if o := run(e, get("/?comment="+sqliQuery), ""); o.err != nil && has(o.waf, 942100) {
		t.Errorf("target taken out: %v %+v", o.err, o.waf.Matches)
	}
}
