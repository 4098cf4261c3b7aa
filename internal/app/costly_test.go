package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharedRules is a configuration of two sites with one file of rules, own.conf.
const sharedRules = `listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {core_rules: false, rules: [own.conf]}
  - names: [b.test]
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {core_rules: false, rules: [own.conf]}
`

// A rule whose pattern is expensive is warned of, with its place, and the file is used nevertheless.
func TestCheckWarnsOfCostlyRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("own.conf", "SecRule ARGS:a \"@rx a\" \"id:1,phase:2,deny\"\nSecRule ARGS \"@rx (?:[^x]{200}|[^y]{300}z){2}[ab]{150}(?:[0-9][^a]{180}q)+\" \"id:2,phase:2,deny\"\n")
	file := write("l.yaml", sharedRules)
	faults, err := Check(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 1 {
		t.Errorf("%d faults, want one", len(faults))
	}
	if bad, warned := faults.Count(); bad != 0 || warned != 1 || !strings.Contains(faults.String(), "own.conf:2:1: warning: rule 2: ") {
		t.Errorf("%d errors, %d warnings:\n%s", bad, warned, faults)
	}
}

// A rule that is cheap to match is warned of where it acts by what it captures and finding that is dear, not where only the record shows it.
func TestCheckWarnsOfCostlyCaptures(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "own.conf")
	put(t, own, []byte(`SecRule ARGS "@rx (?i)^order [a-z]{1,20}-([0-9]{1,20})$" "id:1,phase:2,pass,nolog,capture,setvar:tx.order=%{TX.1}"
SecRule ARGS "@rx (?i)^order [a-z]{1,20}-([0-9]{1,20})$" "id:2,phase:2,deny"
SecRule ARGS_NAMES "@rx (?i)^order [a-z]{1,20}-([0-9]{1,20})$" "id:3,phase:2,deny,capture,logdata:'%{TX.1}'"
SecRule ARGS "@rx ^o-([0-9])$" "id:4,phase:2,pass,nolog,capture,setvar:tx.order=%{TX.1}"
`))
	file := filepath.Join(dir, "l.yaml")
	put(t, file, []byte(`listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {rules: [own.conf], core_rules: false}
`))
	faults, err := Check(file)
	if err != nil {
		t.Fatal(err)
	}
	if bad, warned := faults.Count(); bad != 0 || warned != 1 || len(faults) != 1 {
		t.Fatalf("%d errors, %d warnings:\n%s", bad, warned, faults)
	}
	want := own + ":1:1: warning: rule 1: to find what it captures takes up to "
	if got := faults.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, "more than 100\n") || !strings.Contains(got, "MATCHED_VAR") {
		t.Errorf("%s", got)
	}
}

// Of the Core Rule Set's own patterns there is one note in all, whatever the routes, that is no warning.
func TestCheckNotesCostlyCoreRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "l.yaml")
	put(t, file, []byte(`listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {paranoia: 4}
    routes:
      - {path: /one/, waf: {paranoia: 3}}
`))
	faults, err := Check(file)
	if err != nil {
		t.Fatal(err)
	}
	if bad, warned := faults.Count(); bad+warned != 0 || len(faults) > 1 {
		t.Fatalf("%d errors, %d warnings:\n%s", bad, warned, faults)
	}
	for _, f := range faults { // as long as a pattern costs that much
		if got := f.String(); !strings.HasPrefix(got, file+": note: ") || !strings.HasSuffix(got, "; nothing to do\n") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q", got)
		}
	}
}
