package rules_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules"
)

// brokenRules are rules with faults: line:column and the begin of each. alone: other settings add faults of their own.
type brokenRules struct {
	name, text, want string
	alone            bool
}

// atOnce are rules with faults that different stages find. Each has to be told, in the order of places, and nothing else: what follows from a fault
// is no fault of its own.
func atOnce() []brokenRules {
	return []brokenRules{
		{
			"all kinds in one rule",
			`SecRule ARGS|ARGSS|REQUEST_URI:a "@pmFromFile none.data" "id:1,phase:2,deny,lgo,severity:BAD,t:lowercas,` +
				`setvar:'txx.a=%{FOO}%{TX.b}%{BAR}',` +
				`ctl:ruleRemoveTargetById=5 x;ARG|!ARGS,exec:/bin/true,t:none"`,
			`1:14 rule 1: unknown variable "ARGSS" | 1:32 rule 1: REQUEST_URI has no keys | 1:35 rule 1: read data file | ` +
				`1:77 rule 1: unknown action "lgo" | ` +
				`1:90 rule 1: unknown severity | 1:94 rule 1: unknown transformation "lowercas" | 1:113 rule 1: setvar cannot write to "txx" | ` +
				`1:121 rule 1: unknown variable "FOO" | 1:134 rule 1: unknown variable "BAR" | 1:167 rule 1: "x" is no id | ` +
				`1:169 rule 1: unknown variable "ARG" | ` +
				`1:173 rule 1: a target of ctl | 1:179 rule 1: exec runs programs`, false,
		},
		{
			"unknown operator beside what is wrong else", `SecRule ARGS "@rxx (" "id:1,phase:9,deny,t:nope"`,
			`1:15 rule 1: unknown operator "@rxx" | 1:35 rule 1: phase takes | 1:42 rule 1: unknown transformation "nope"`, false,
		},
		{
			"a chain of which the first rule has faults", "SecRule ARGS \"@rx (?<=a)b\" \"id:1,phase:2,deny,chian\"\n" +
				"SecRule ARGS \"@rx (\" \"t:lowrcase\"\n" +
				"SecRule ARGS \"@rx a\" \"phase:2,deny\"",
			`1:15 rule 1: @rx does not compile | 1:47 rule 1: unknown action "chian" | 2:15 @rx does not compile | ` +
				`2:23 unknown transformation | 3:1 the rule has no id`, false,
		},
		{
			"a chain of which a member has faults", "SecRule ARGS \"@rx a\" \"id:1,phase:2,deny,chain:1\"\n" +
				"SecRule ARGSS \"@rx b\" \"t:none,chain\"\nSecRule ARGS \"@rx c\"",
			`1:47 rule 1: chain takes no value | 2:9 unknown variable`, false,
		},
		{
			"an id that cannot be read", "SecRule ARGS \"@rx a\" \"idd:1,phase:2,deny\"\nSecRule ARGS \"@rx a\" \"id:x,phase:2," +
				"deny,t:x\"\nSecRuleUpdateTargetById 1 \"!ARGS:a\"",
			`1:23 unknown action "idd" | 2:26 id takes a positive number | 2:41 unknown transformation "x"`, false,
		},
		{
			"no id beside other faults", "SecRule ARGSS \"@rx a\" \"phase:2,deny\"\nSecAction \"phase:1,pass\"",
			`1:1 the rule has no id | 1:9 unknown variable "ARGSS" | 2:1 the rule has no id`, true,
		},
		{
			"updates of rules with faults", "SecRule ARGSS \"@rx a\" \"id:1,phase:2,deny\"\nSecRule ARGS \"@rx a\" \"id:2,phase:2,deny\"\n" +
				"SecRuleUpdateTargetById 1 \"!ARGS:a\"\nSecRuleUpdateTargetById 7 \"!ARGS:a|!ARGZ\"\nSecRuleUpdateActionById 1-2 \"t:foo,staus:404\"",
			`1:9 rule 1: unknown variable | 4:25 SecRuleUpdateTargetById: there is no rule 7 | 4:37 unknown variable "ARGZ" | ` +
				`5:30 rule 1: unknown transformation "foo" | 5:36 unknown action "staus"`, false,
		},
		{
			"what is taken out", "SecRule ARGS \"@rx (\" \"id:1,phase:2,deny,t:nope\"\nSecRuleRemoveById 1",
			`1:15 rule 1: @rx does not compile | 1:41 rule 1: unknown transformation "nope"`, true,
		},
		{
			"an Include that is not there", "SecRule ARGSS \"@rx a\" \"id:1,phase:2,deny,chain\"\nInclude none.conf\n" +
				"SecRule ARGS \"@rx b\" \"t:nope\"\n" +
				"SecRule ARGS \"@pmFromDataset d\" \"id:2,phase:2,deny,skipAfter:END\"\nSecRuleUpdateTargetById 7 \"!ARGS:a\"",
			`1:9 rule 1: unknown variable | 2:9 read "DIR/none.conf" | 3:23 rule 1: unknown transformation "nope"`, false,
		},
		{
			"a marker and a data set with faults", "SecRule ARGS \"@pmFromDataset d\" \"id:1,phase:2,deny,skipAfter:END," +
				"t:nope\"\nSecDataset d\nSecMarker",
			`1:66 rule 1: unknown transformation "nope" | 2:1 SecDataset takes 2 words | 3:1 SecMarker takes 1 word`, false,
		},
		{
			"a misspelt directive", "SecRuul ARGSS \"@rx (\" \"id:1,phase:2,deny,chain\"\nSecRule ARGS \"@rx b\" \"t:nope\"\nSecMarkr END\n" +
				"SecRule ARGS \"@rx a\" \"id:2,phase:2,deny,skipAfter:LOST\"",
			`1:1 unknown directive "SecRuul" | 1:9 rule 1: unknown variable | 1:16 rule 1: @rx does not compile | ` +
				`2:23 rule 1: unknown transformation | ` +
				`3:1 unknown directive "SecMarkr" | 4:41 rule 2: no SecMarker "LOST" follows`, false,
		},
		{
			"a quote that is not closed", "SecRule ARGS \"@rx a\" \\\n  \"id:1,phase:2,deny,\n  t:none,\\\n  chain\"\n" +
				"SecRule ARGS \"@rx (\" \"t:nope\"",
			`2:3 quote is not closed | 5:15 @rx does not compile | 5:23 unknown transformation "nope"`, false,
		},
		{
			"a key that is not closed", "SecRule ARGS:/a b/|ARGS \"@rx (\" \"id:1,phase:2,deny,t:nope\"\nSecRule ARGS:'x \"@rx (\" \"id:2,phase:2,deny\"\n" +
				"SecRule ARGS \"@rx (\" \"t:none\"",
			`1:14 regular expression is not closed | 2:14 quote is not closed | 3:15 @rx does not compile`, false,
		},
		{
			"a chain that does not go on", "SecAction \"id:1,phase:1,pass,chain\"\nSecMarker X\nSecRule ARGS \"@ipMatch 1.2\" \"id:2,phase:1,deny,t:nope\"",
			`1:30 rule 1: the chain has no next rule | 3:15 rule 2: build @ipMatch | 3:48 rule 2: unknown transformation "nope"`, false,
		},
		{
			"a backslash that is missing", "SecRule ARGS \"@rx a\"\n  \"id:1,phase:2,deny,chain\"\nSecRule ARGS \"@rx (\"\n" +
				"SecRule ARGS\n  \"@rx a\" \"id:3,phase:2,deny\"",
			`1:21 the rule ends here, but the next line begins with a quote | 3:15 @rx does not compile | 4:13 the rule ends here, but`, false,
		},
		{
			"a blank in the targets", `SecRule ARGS | ARGZ| TX:a "@rx [" "id:1,phase:2,deny,t:x"`,
			`1:14 rule 1: a blank stands in the list of targets | 1:16 rule 1: unknown variable "ARGZ" | 1:28 rule 1: @rx does not compile | ` +
				`1:54 rule 1: unknown transformation "x"`, false,
		},
		{
			"what has to go as it is", "SecRuleEngine\nSecDefaultAction \"phase:2\"\nSecCollectionTimeout x\n" +
				"SecAuditLogParts A B\nSecCookieFormat 0",
			`1:1 SecRuleEngine must not be given here | 2:1 SecDefaultAction must not | ` +
				`3:22 SecCollectionTimeout takes a number | 4:1 SecAuditLogParts must not`, true,
		},
		{
			"an id of the Core Rule Set", "SecRule ARGS \"@rx (\" \"id:942100,phase:2,deny,t:nope\"\n" +
				"SecRule ARGS \"@rx a\" \"id:1,phase:2,deny\"\nSecAction \"id:1,phase:1,pass,t:x\"",
			`1:1 rule 942100: the Core Rule Set has a rule with this id | 1:15 rule 942100: @rx | 1:46 rule 942100: unknown transformation | ` +
				`3:12 rule 1: id 1 is taken | 3:30 rule 1: unknown transformation "x"`, true,
		},
	}
}

func TestFaultsAtOnce(t *testing.T) {
	for _, c := range atOnce() {
		settings := []rules.Settings{{}, {NoCore: true}, {Exclusions: []rules.Exclusion{{Rules: []int{1}, Target: "ARGS:x"}}}}
		if c.alone {
			settings = settings[:1]
		}
		for _, s := range settings {
			dir := t.TempDir()
			write(t, dir, "a.conf", c.text+"\n")
			s.Files = []string{filepath.Join(dir, "a.conf")}
			matches(t, c.name, dir, faults(t, s), strings.Split(c.want, " | "))
		}
	}
}

// matches holds faults of a.conf in dir against line:column and the begin of the text.
func matches(t *testing.T, name, dir string, list []rules.Fault, want []string) {
	t.Helper()
	var got []string
	for i, f := range list {
		text := fmt.Sprintf("%d:%d ", f.Line, f.Column)
		if f.Rule != 0 {
			text += fmt.Sprintf("rule %d: ", f.Rule)
		}
		text = strings.ReplaceAll(text+f.Text, dir, "DIR")
		if i < len(want) && strings.HasPrefix(text, want[i]) {
			text = want[i]
		}
		got = append(got, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// faults opens what must not load.
func faults(t *testing.T, s rules.Settings) []rules.Fault {
	t.Helper()
	e, err := factory.Open(s)
	if err == nil {
		e.Close()
		t.Fatalf("loaded: %+v", s)
	}
	var le *rules.LoadError
	if !errors.As(err, &le) {
		t.Fatal(err)
	}
	return le.Faults
}

// TestFaultsOfAllFiles has faults of the syntax in one file, of what compiles in another that it includes, and of an exclusion.
func TestFaultsOfAllFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.conf", "Include c.conf\nSecRule ARGSS \"@rx a\" \"id:1,phase:2,deny\"\n")
	write(t, dir, "b.conf", "SecRule ARGS \"@rx (\" \"id:2,phase:2,deny\"\n")
	write(t, dir, "c.conf", "SecRule ARGS \"@rx a\" \"id:3,phase:2,deny,t:nope\"\nSecRuleRemoveById 200007\n")
	var got []string
	for _, f := range faults(t, rules.Settings{
		Files:      []string{filepath.Join(dir, "b.conf"), filepath.Join(dir, "a.conf")},
		Exclusions: []rules.Exclusion{{Rules: []int{1}, Target: "ARGS:a"}, {Rules: []int{77}}, {Tag: "no-tag"}},
	}) {
		got = append(got, strings.ReplaceAll(f.String(), dir+string(filepath.Separator), ""))
	}
	want := []string{
		`exclusions[2]: no rule has the tag "no-tag"; tags stand in the access log, under waf.rules`,
		`exclusions[1]: rule 77 does not exist; take the id from the access log or from lunette explain-block`,
		`a.conf:2:9: rule 1: unknown variable "ARGSS"; did you mean ARGS?`,
		`b.conf:1:15: rule 2: @rx does not compile: missing closing ): (`,
		`c.conf:1:41: rule 3: unknown transformation "nope"; did you mean t:none?`,
		`c.conf:2:19: SecRuleRemoveById: rule 200007 can be neither taken out nor changed; raise waf.arguments: what is beyond it no rule looks at`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Very many faults are bounded, and those that are told are the first.
func TestFaultsAreBounded(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "SecRule ARGS \"@rx a\" \"id:%d,phase:2,deny,t:nope\"\n", i+1)
	}
	write(t, dir, "a.conf", b.String())
	list := faults(t, rules.Settings{NoCore: true, Files: []string{filepath.Join(dir, "a.conf")}})
	if n := len(list); n != 201 || list[199].Line != 200 || !strings.Contains(list[200].Text, "more faults follow") {
		t.Errorf("%d faults, the last: %+v", n, list[n-1])
	}
}
