package audit_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Every name that a record has is explained in docs/audit-log.md.
func TestEveryNameIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../../docs/audit-log.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	names := map[string]string{}
	collect(t, open(t, every("json")).Append(nil, detected()), names)
	for name, kind := range names {
		name = strings.ReplaceAll(strings.TrimPrefix(name, "."), "[]", "")
		if kind == "object" && !strings.HasSuffix(name, "headers") && !strings.HasSuffix(name, "args") {
			continue
		}
		for _, part := range []string{"files.name", "files.size", "files.mime"} {
			if rest, ok := strings.CutSuffix(name, part); ok && rest != "" {
				name = strings.TrimPrefix(part, "files.")
			}
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("json: docs/audit-log.md says nothing of `%s`", name)
		}
	}
	var e map[string]any
	if err := json.Unmarshal(open(t, every("ocsf")).Append(nil, blocked()), &e); err != nil {
		t.Fatal(err)
	}
	for name := range e {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("ocsf: docs/audit-log.md says nothing of `%s`", name)
		}
	}
}
