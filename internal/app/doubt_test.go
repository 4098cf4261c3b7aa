package app

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rules that load and do nothing are warned of, once though two sites have them, with the line itself, and the file is used nevertheless.
func TestCheckWarnsOfRulesWithoutEffect(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "own.conf")
	put(t, own, []byte("SecRule ARGS|\\\n  REQUEST_BODY \"@rx a\" \\\n  \"id:1,phase:1,block\"\nSecRuleRemoveById 99999999\n"))
	file := filepath.Join(dir, "l.yaml")
	put(t, file, []byte(sharedRules))
	faults, err := Check(file)
	if err != nil {
		t.Fatal(err)
	}
	want := own + `:2:3: warning: rule 1: REQUEST_BODY is empty in phase 1
    2 |   REQUEST_BODY "@rx a" \
      |   ^
      = write phase:2
` + own + `:3:17: warning: rule 1: block lets it pass: that is the default action, and the rule adds no points
    3 |   "id:1,phase:1,block"
      |                 ^
      = write deny, or add points: setvar:tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}
` + own + `:4:19: warning: SecRuleRemoveById: there is no rule 99999999
    4 | SecRuleRemoveById 99999999
      |                   ^
      = take the id from the access log or from lunette explain-block
`
	if diff := cmp.Diff(want, faults.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
