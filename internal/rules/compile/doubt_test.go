package compile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// TestDoubts compiles rules that load and do nothing, or other than is meant: what is said of them, f for a fault and w for a warning.
func TestDoubts(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a macro in a pattern", `SecRule ARGS "@rx ^%{tx.a}$" "id:1,phase:2,deny"`, "f1:15 %{tx.a} in @rx is not filled in"},
		{"a sign that looks like one", `SecRule ARGS "@rx ^%{nothing}$|%\{tx.a}" "id:1,phase:2,deny"`, ""},
		{"no number", `SecRule ARGS:n "@gt abc" "id:1,phase:2,deny"`, `f1:17 @gt takes a number, not "abc"`},
		{"an empty number", `SecRule ARGS:n "@eq" "id:1,phase:2,deny"`, `f1:17 @eq takes a number, not ""`},
		{"numbers", "SecRule ARGS:n \"@gt -5\" \"id:1,phase:2,deny\"\nSecRule ARGS:n \"@lt %{tx.a}\" \"id:2,phase:2,deny\"", ""},
		{"a body too early", `SecRule ARGS|REQUEST_BODY "@rx a" "id:1,phase:1,deny"`, "w1:14 REQUEST_BODY is empty in phase 1"},
		{"in a chain", "SecRule ARGS \"@rx a\" \"id:1,phase:1,deny,chain\"\nSecRule ARGS_POST:x \"@rx a\"", "w2:9 ARGS_POST is empty in phase 1"},
		{"an answer too early", `SecRule RESPONSE_BODY "@rx a" "id:1,phase:3,deny"`, "w1:9 RESPONSE_BODY is empty in phase 3"},
		{"the head of an answer", "SecRule RESPONSE_STATUS \"@rx a\" \"id:1,phase:2,deny\"", "w1:9 RESPONSE_STATUS is empty in phase 2"},
		{"in time", "SecRule RESPONSE_BODY \"@rx a\" \"id:1,phase:4,deny\"\nSecRule REQUEST_BODY|&RESPONSE_BODY \"@rx a\" \"id:2,phase:2,deny\"", ""},
		{"block without points", `SecRule ARGS "@rx a" "id:1,phase:2,block"`, "w1:36 block lets it pass: that is the default action, and the rule adds no points"},
		{"block with points", "SecRule ARGS \"@rx a\" \"id:1,phase:2,block,chain\"\nSecRule ARGS \"@rx b\" \"setvar:tx.inbound_anomaly_score_pl1=+5\"", ""},
		{"block that denies", "SecDefaultAction \"phase:2,deny,log\"\nSecRule ARGS \"@rx a\" \"id:1,phase:2,block\"", ""},
		{"no rule to remove", "SecRuleRemoveById 7 1-5", "w1:19 SecRuleRemoveById: there is no rule 7; w1:21 SecRuleRemoveById: there is no rule from 1 to 5"},
		{"removed twice", "SecAction \"id:7,phase:1,pass\"\nSecRuleRemoveById 7\nSecRuleRemoveById 7 1-9", ""},
		{"no such tag", "SecAction \"id:7,phase:1,pass,tag:attack-sqli\"\nSecRuleRemoveByTag attack-sqlii", `w2:20 SecRuleRemoveByTag: no rule has the tag "attack-sqlii"`},
		{"no such message", "SecRuleUpdateTargetByMsg lost \"!ARGS:a\"", `w1:26 SecRuleUpdateTargetByMsg: no rule has the message "lost"`},
		{"no rule in a range", "SecRuleUpdateTargetById 1-3 \"!ARGS:a\"", "w1:25 SecRuleUpdateTargetById: there is no rule from 1 to 3"},
		{"no rule among several", "SecAction \"id:7,phase:1,pass\"\nSecRuleUpdateTargetById 7 1-3 5-6 \"!ARGS:a\"",
			"w2:27 SecRuleUpdateTargetById: there is no rule from 1 to 3; w2:31 SecRuleUpdateTargetById: there is no rule from 5 to 6"},
		{"no such rule among several", "SecAction \"id:7,phase:1,pass\"\nSecRuleUpdateActionById 7 3 log", "f2:27 SecRuleUpdateActionById: there is no rule 3"},
		{"ctl of no rule", `SecAction "id:1,phase:1,pass,ctl:ruleRemoveById=9,ctl:ruleRemoveTargetByTag=none;ARGS:a"`,
			`w1:30 ctl:ruleRemoveById: there is no rule 9; w1:51 ctl:ruleRemoveTargetByTag: no rule has the tag "none"`},
		{"ctl of a rule that is gone", "SecAction \"id:1,phase:1,pass,ctl:ruleRemoveById=9\"\nSecAction \"id:9,phase:1,pass\"\nSecRuleRemoveById 9", ""},
		{"no processor", `SecAction "id:1,phase:1,pass,ctl:requestBodyProcessor=JSN"`, `f1:30 ctl:requestBodyProcessor: there is no body processor "JSN"`},
		{"a processor", `SecAction "id:1,phase:1,pass,ctl:requestBodyProcessor=graphql"`, ""},
		{"nothing opens it", `SecRule IP:n "@gt 5" "id:1,phase:2,deny"`, "w1:9 no rule opens IP: it is empty"},
		{"opened", "SecAction \"id:2,phase:1,pass,initcol:ip=%{REMOTE_ADDR}\"\nSecRule IP:n \"@gt 5\" \"id:1,phase:2,deny\"", ""},
		{"look-ahead", `SecRule ARGS "@rx a(?!b)" "id:1,phase:2,deny"`, "f1:15 @rx does not compile: there is no look-around (?!…)"},
		{"look-behind", `SecRule ARGS "@rx (?<=a)b" "id:1,phase:2,deny"`, "f1:15 @rx does not compile: there is no look-around (?<=…)"},
		{"back reference", `SecRule ARGS "@rx (a)\1" "id:1,phase:2,deny"`, `f1:15 @rx does not compile: there are no back references such as \1`},
		{"possessive", `SecRule ARGS "@rx a*+" "id:1,phase:2,deny"`, "f1:15 @rx does not compile: there is no possessive repetition *+"},
		{"no database", `SecRule ARGS "@geoLookup" "id:1,phase:2,deny"`, "f1:15 build @geoLookup: no geo database configured"},
		{"no program", `SecRule ARGS "@inspectFile a" "id:1,phase:2,deny"`, "f1:15 build @inspectFile: a rule must not start programs: not supported"},
		{"atomic", `SecRule ARGS "@rx (?>a)" "id:1,phase:2,deny"`, "f1:15 @rx does not compile: there are no atomic groups (?>…)"},
		{"not closed", `SecRule ARGS "@rx (a" "id:1,phase:2,deny"`, "f1:15 @rx does not compile: missing closing ): (a"},
		{"left out", "SecAction \"id:2,phase:2,pass,skipAfter:END\"\nSecRule ARGS \"@rx a(?=b)\" \"id:1,phase:2,deny\"\nSecMarker END", "f2:15 @rx does not compile: there is no look-around (?=…)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, list := parse(t, c.text)
			p, found := Compile(list, Options{Files: files})
			if p != nil {
				found = p.Notes
			}
			var got []string
			for _, f := range found {
				kind := "f"
				if f.Warning {
					kind = "w"
				}
				if f.Hint == "" && !strings.Contains(f.Text, "missing closing") || f.Warning != (p != nil) {
					t.Errorf("%+v", f)
				}
				got = append(got, fmt.Sprintf("%s%d:%d %s", kind, f.Line, f.Column, f.Text))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestNoDoubtsOfBuiltIn: what is built in nobody can mend.
func TestNoDoubtsOfBuiltIn(t *testing.T) {
	list, faults := seclang.ParseText(nil, "@own/a.conf", `SecRule REQUEST_BODY "@rx %{tx.a}" "id:1,phase:1,block,ctl:ruleRemoveById=9"`)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if p, faults := Compile(list, Options{}); p == nil || len(p.Notes) > 0 {
		t.Errorf("%v %v", p, faults)
	}
}
