package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each fault of rules and exclusions is told once, where it stands, though two sites share the file and a route the list.
func TestRuleFaultsHavePlaces(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "own.conf")
	if err := os.WriteFile(rules, []byte("# own\nSecRule ARGS:a \"@rx (\" \"id:1,phase:2,deny\"\nSecAction \"phase:1,pass\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const text = `listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    origin: {urls: ["http://127.0.0.1:1"]}
    waf:
      rules: [own.conf]
      exclusions:
        - {rule: 942100, target: "ARG:q"}
        - {rule: 7}
    routes:
      - {path: /inherits/}
      - path: /own/
        waf:
          exclusions: [{target: "REQUEST_COOKIE:s"}]
  - names: [b.test]
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {rules: [own.conf]}
`
	file := filepath.Join(dir, "l.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	faults, err := Check(file)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(faults.String(), dir+string(filepath.Separator), "")
	for _, want := range []string{
		"own.conf:2:17: error: rule 1: ", "own.conf:3:1: error: the rule has no id",
		`l.yaml:8:34: error: sites[0].waf.exclusions[0].target: target "ARG:q": there is no variable ARG`, "= did you mean ARGS?",
		"l.yaml:9:18: error: sites[0].waf.exclusions[1].rule: rule 7 does not exist",
		"l.yaml:14:33: error: sites[0].routes[1].waf.exclusions[0].target: ", "= did you mean REQUEST_COOKIES?",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q stands %d times, want once, in\n%s", want, strings.Count(got, want), got)
		}
	}
	if n, _ := faults.Count(); n != 5 {
		t.Errorf("%d faults, want 5:\n%s", n, got)
	}
}
