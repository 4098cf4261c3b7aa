package differential_test

import (
	"strings"
	"testing"
)

// avoided lists what differs, cannot be mended in Coraza, and is therefore kept out of the rules and requests that are generated.
func avoided() []row {
	asking := func(query string) *request {
		r := example("GET", "", "")
		r.target = "/?" + query
		return r
	}
	return []row{
		{
			name: "setvar of a value that begins with a sign", coraza: "fills in the macro first, and adds or subtracts if what comes of it begins with + or -",
			right:   "ours: the manual says that =+ and =- change and = sets; a client must not choose",
			rules:   `SecRule ARGS:q "@rx ." "id:100,phase:1,nolog,pass,setvar:tx.n=5,setvar:tx.n=%{MATCHED_VAR}"`,
			example: asking("q=%2B1"),
		},
		{
			name: "captures of an operator that is turned round", coraza: "captures where the operator matches and the rule does not",
			right:   "open: the manual says that captures are made on a successful match",
			rules:   `SecRule ARGS:q "!@rx (x)" "id:100,phase:1,nolog,pass,capture"` + "\n" + `SecRule TX:1 "@streq x" "id:101,phase:1,nolog,pass"`,
			example: asking("q=x"),
		},
		{
			name: "exceptions for variables that an update adds", coraza: "an exception counts for the variables before it only",
			right:   "ours: ModSecurity takes exceptions out of all that the rule has gathered",
			rules:   `SecRule ARGS_GET|!ARGS_NAMES:a "@rx ." "id:100,phase:1,nolog,pass"` + "\n" + `SecRuleUpdateTargetById 100 "ARGS_NAMES"`,
			example: asking("a"),
		},
		{
			name: "skip and skipAfter in one rule", coraza: "does the one and then the other",
			right:   "ours: ModSecurity does skipAfter alone",
			rules:   `SecAction "id:100,phase:1,nolog,pass,skip:1,skipAfter:HERE"` + "\nSecMarker HERE\n" + `SecRule ARGS_NAMES "@streq a" "id:101,phase:1,nolog,pass"`,
			example: asking("a"),
		},
	}
}

// TestAvoided shows that the differences which nothing generated goes into are still there.
func TestAvoided(t *testing.T) {
	for _, w := range avoided() {
		t.Run(w.name, func(t *testing.T) {
			src := custom(t, defaultRules+strings.TrimSpace(w.rules)+"\n")
			p := newPairOf(t, w.name, src, rows())
			if list, _ := p.differences(runner(t, p.program, src.Config), w.example); len(list) == 0 {
				t.Error("Coraza does not differ any more: take it off the list, and generate it")
			}
		})
	}
}
