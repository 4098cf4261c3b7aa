package rules_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules"
)

// faultsOf returns what is wrong with a rule file: faults where it is refused, or else warnings.
func faultsOf(t *testing.T, s rules.Settings, text string) (refused bool, list []rules.Fault) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "own.conf", text)
	s.Files = []string{filepath.Join(dir, "own.conf")}
	e, err := factory.Open(s)
	if err == nil {
		defer e.Close()
		return false, e.Warnings(1e9)
	}
	var le *rules.LoadError
	if !errors.As(err, &le) {
		t.Fatal(err)
	}
	return true, le.Faults
}

func lines(list []rules.Fault) string {
	var out []string
	for _, f := range list {
		f.File = "own"
		out = append(out, f.String())
	}
	return strings.Join(out, "\n")
}

// TestDecidedByConfiguration: a ported crs-setup.conf that sets for all requests what the configuration decides is refused.
func TestDecidedByConfiguration(t *testing.T) {
	hint := func(key string) string {
		return "; set " + key + " in the configuration; for some requests a SecRule may set it"
	}
	dir := t.TempDir()
	write(t, dir, "held.conf", `SecRule REQUEST_FILENAME "@beginsWith /a" "id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=4"`)
	open(t, rules.Settings{Files: []string{filepath.Join(dir, "held.conf")}}) // its patterns serve all that leave the level open
	for _, c := range []struct{ name, text, want string }{
		{"the level", `SecAction "id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=2"`,
			"own:1:36: rule 1: tx.blocking_paranoia_level must not be set for all requests" + hint("waf.paranoia")},
		{"several", `SecAction "id:1,phase:1,pass,setvar:tx.a=1,\
  setvar:'tx.inbound_anomaly_score_threshold=10',setvar:TX.Outbound_Anomaly_Score_Threshold=10,\
  setvar:'tx.allowed_methods=GET',setvar:!tx.detection_paranoia_level"`,
			"own:2:3: rule 1: tx.inbound_anomaly_score_threshold must not be set for all requests" + hint("waf.inbound_threshold") +
				"\nown:2:50: rule 1: tx.outbound_anomaly_score_threshold must not be set for all requests" + hint("waf.outbound_threshold") +
				"\nown:3:3: rule 1: tx.allowed_methods must not be set for all requests" + hint("methods of the site") +
				"\nown:3:35: rule 1: tx.detection_paranoia_level must not be set for all requests" + hint("waf.paranoia")},
		{"under a condition", `SecRule REQUEST_FILENAME "@beginsWith /a" "id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=2"`, ""},
		{"in a chain", "SecAction \"id:1,phase:1,pass,nolog,chain,setvar:tx.blocking_paranoia_level=2\"\nSecRule REQUEST_FILENAME \"@beginsWith /a\" \"t:none\"", ""},
		{"in a chain behind a condition", "SecRule REQUEST_FILENAME \"@beginsWith /a\" \"id:1,phase:1,pass,nolog,chain\"\nSecAction \"setvar:tx.blocking_paranoia_level=2\"", ""},
		{"passed over", "SecRule REQUEST_FILENAME \"!@beginsWith /a\" \"id:1,phase:1,pass,nolog,skipAfter:END\"\n" +
			"SecAction \"id:2,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=2\"\nSecMarker END", ""},
		{"skipped", "SecRule REQUEST_FILENAME \"!@beginsWith /a\" \"id:1,phase:1,pass,nolog,skip:1\"\n" +
			"SecAction \"id:2,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=2\"", ""},
		{"behind the marker", "SecRule REQUEST_FILENAME \"!@beginsWith /a\" \"id:1,phase:1,pass,nolog,skipAfter:END\"\nSecMarker END\n" +
			"SecAction \"id:2,phase:1,pass,nolog,setvar:tx.allowed_methods=GET\"",
			"own:3:36: rule 2: tx.allowed_methods must not be set for all requests" + hint("methods of the site")},
		{"what is its own affair", `SecAction "id:1,phase:1,pass,nolog,setvar:tx.critical_anomaly_score=10,setvar:ip.paranoia_level=1"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused, list := faultsOf(t, rules.Settings{}, c.text)
			if diff := cmp.Diff(c.want, lines(list)); diff != "" || refused != (c.want != "") {
				t.Errorf("refused %v (-want +got)\n%s", refused, diff)
			}
		})
	}
}

// TestLevelForSomeRequests: a rule that raises the level for a path raises it there, and nowhere else; the record has the threshold that held.
func TestLevelForSomeRequests(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "own.conf", `SecRule REQUEST_FILENAME "@beginsWith /two" "id:1,phase:1,pass,nolog,t:none,setvar:tx.blocking_paranoia_level=2"
SecRule REQUEST_FILENAME "@beginsWith /late" "id:2,phase:2,pass,nolog,t:none,setvar:tx.blocking_paranoia_level=2"
SecRule REQUEST_FILENAME "@beginsWith /seen" "id:3,phase:1,pass,nolog,t:none,setvar:tx.detection_paranoia_level=2"
SecRule REQUEST_FILENAME "@endsWith /high" "id:4,phase:1,pass,nolog,t:none,setvar:tx.inbound_anomaly_score_threshold=30"
`)
	e := open(t, rules.Settings{Files: []string{filepath.Join(dir, "own.conf")}})
	const query = "?next=https%3A%2F%2Fevil.example%2F" // 931130, of level 2
	for _, c := range []struct {
		path         string
		runs         bool
		blocked      bool
		threshold    int
		blockedScore int
	}{
		{"/one", false, false, 5, 0},
		{"/two", true, true, 5, 5},
		{"/late", true, true, 5, 5},
		{"/seen", true, false, 5, 0},
		{"/two/high", true, false, 30, 5},
	} {
		o := run(e, get(c.path+query), "")
		if has(o.waf, 931130) != c.runs || (o.answer != nil || o.err != nil) != c.blocked || o.waf.Threshold != c.threshold || o.waf.Score != c.blockedScore {
			t.Errorf("%s: %v %+v", c.path, o.err, o.waf)
		}
	}
}

// TestNotes: what an engine says of rules that load, with the line itself, also of a rule over several.
func TestNotes(t *testing.T) {
	refused, list := faultsOf(t, rules.Settings{Exclusions: []rules.Exclusion{{Rules: []int{942100}, Path: "/x"}}},
		"SecRule ARGS \\\n  \"@rx a\" \\\n  \"id:1,phase:2,\\\n    block\"\nSecRuleRemoveByTag attack-sqly\n")
	want := []rules.Fault{{}, {}}
	want[0].Rule, want[0].Line, want[0].Column, want[0].Source, want[0].Warning = 1, 4, 5, `    block"`, true
	want[0].Text = "block lets it pass: that is the default action, and the rule adds no points"
	want[0].Hint = "write deny, or add points: setvar:tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}"
	want[1].Line, want[1].Column, want[1].Source, want[1].Warning = 5, 20, "SecRuleRemoveByTag attack-sqly", true
	want[1].Text, want[1].Hint = `SecRuleRemoveByTag: no rule has the tag "attack-sqly"`, "did you mean attack-sqli?"
	for i := range list {
		list[i].File = ""
	}
	if diff := cmp.Diff(want, list); diff != "" || refused {
		t.Errorf("refused %v (-want +got)\n%s", refused, diff)
	}
	if w := keep.Warnings(1e9); len(w) > 0 {
		t.Errorf("the Core Rule Set alone: %v", w)
	}
	refused, list = faultsOf(t, rules.Settings{}, "SecRule ARGS|\\\nREQUEST_HEADERS \\\n  \"@gt abc\" \"id:1,phase:2,deny\"\n")
	if !refused || len(list) != 1 || list[0].Source != `  "@gt abc" "id:1,phase:2,deny"` {
		t.Errorf("%v %+v", refused, list)
	}
}

// TestTakenIDs: a rule with an id of Lunette's has one fault that says whose the id is.
func TestTakenIDs(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"200002", "own:1:1: rule 200002: this is a rule of the recommended configuration; leave the recommended file out whole: Lunette has its own"},
		{"40000001", "own:1:1: rule 40000001: ids from 40000000 are Lunette's own; take one below 200000"},
		{"942100", "own:1:1: rule 942100: the Core Rule Set has a rule with this id; take one below 200000"},
	} {
		if _, list := faultsOf(t, rules.Settings{}, `SecRule ARGS "@rx a" "id:`+c.id+`,phase:2,deny"`); lines(list) != c.want {
			t.Errorf("%s:\n%s", c.id, lines(list))
		}
	}
}

// TestExclusionTags: a tag that no rule has excludes nothing.
func TestExclusionTags(t *testing.T) {
	_, err := factory.Open(rules.Settings{Exclusions: []rules.Exclusion{{Tag: "attack-sqlii", Path: "/"}, {Tag: "attack-xss"}, {Tag: "mine"}}})
	want := `load rules: exclusions[0]: no rule has the tag "attack-sqlii"; did you mean attack-sqli?` +
		"\n" + `exclusions[2]: no rule has the tag "mine"; tags stand in the access log, under waf.rules`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if refused, list := faultsOf(t, rules.Settings{Exclusions: []rules.Exclusion{{Tag: "mine"}}}, `SecAction "id:1,phase:1,pass,tag:mine"`); refused {
		t.Errorf("%v", list)
	}
}
