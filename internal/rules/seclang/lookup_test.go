package seclang

import (
	"fmt"
	"strings"
	"testing"
)

// TestLookup finds every word of the tables in any case, and no other.
func TestLookup(t *testing.T) {
	for v := VarNone + 1; v < Variables; v++ {
		got, ok := LookupVariable(strings.ToLower(v.String()))
		if !ok || got != v || v.String() == "" {
			t.Errorf("variable %d %q: %v %v", v, v, got, ok)
		}
	}
	for o := OpAlways + 1; o < Operators; o++ {
		if got, ok := LookupOperator(strings.ToUpper(o.String())); !ok || got != o || o.String() == "" {
			t.Errorf("operator %d %q: %v %v", o, o, got, ok)
		}
	}
	for a := ActNone + 1; a < Actions; a++ {
		if got, ok := LookupAction(strings.ToUpper(a.String())); !ok || got != a || a.String() == "" {
			t.Errorf("action %d %q: %v %v", a, a, got, ok)
		}
	}
	aliases := map[string]OperatorID{"pmf": OpPmFromFile, "PMF": OpPmFromFile, "ipMatchF": OpIpMatchFromFile}
	for name, want := range aliases {
		if got, ok := LookupOperator(name); !ok || got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got, ok := LookupAction("sanitizeMatchedBytes"); !ok || got != ActSanitiseMatchedBytes {
		t.Errorf("sanitizeMatchedBytes is %v", got)
	}
	for _, name := range []string{"", " ", "ARGS ", "ARG", "\u212aEY", "sanitize", "UNKNOWN"} {
		_, v := LookupVariable(name)
		_, o := LookupOperator(name)
		_, a := LookupAction(name)
		if v || o || a {
			t.Errorf("%q is found", name)
		}
	}
}

// TestVariablesLikeCoraza asks Coraza which variables there are and which have keys.
func TestVariablesLikeCoraza(t *testing.T) {
	for v := VarNone + 1; v < Variables; v++ {
		known := corazaTakes(fmt.Sprintf(`SecRule %s "@eq 1" "id:1"`, v))
		keyed := corazaTakes(fmt.Sprintf(`SecRule %s:key "@eq 1" "id:1"`, v))
		if !known && !v.Persistent() && v != VarURIParseError && v != VarArgumentsLimitReached {
			t.Logf("Coraza does not know %s", v)
		}
		if keyed != v.Collection() && !v.Persistent() && known {
			t.Errorf("%s has keys: %v, in Coraza %v", v, v.Collection(), keyed)
		}
		if p := v.Phase(); p < 1 || p > 5 {
			t.Errorf("%s is filled in phase %d", v, p)
		}
		if v.CaseSensitive() && !v.Collection() {
			t.Errorf("%s has no keys whose case could count", v)
		}
	}
	for v, want := range map[Variable]int{
		VarRequestHeaders: 1, VarArgs: 1, VarTX: 1, VarArgsPost: 2, VarRequestXML: 2, VarResponseStatus: 3, VarResponseBody: 4, VarMultipartStrictError: 2,
	} {
		if v.Phase() != want {
			t.Errorf("%s is filled in phase %d, not %d", v, v.Phase(), want)
		}
	}
}

// TestSpecs looks at the tables of directives and actions as wholes.
func TestSpecs(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range directiveSpecs() {
		if key := strings.ToLower(s.name); seen[key] || s.least > s.most {
			t.Errorf("directive %s stands there twice, or takes %d to %d words", s.name, s.least, s.most)
		} else {
			seen[key] = true
		}
	}
	for _, a := range []ActionID{ActPass, ActBlock, ActDeny, ActDrop, ActAllow, ActRedirect, ActProxy} {
		if !a.Disruptive() || a.Metadata() {
			t.Errorf("%s is not disruptive", a)
		}
	}
	if ActSetvar.Disruptive() || !ActMsg.Metadata() || ActLogdata.Metadata() {
		t.Error("an action stands in the wrong group")
	}
	for text, want := range map[string]int{"1": 1, "5": 5, "request": 2, "RESPONSE": 4, "logging": 5, "0": 0, "6": 0, "": 0, "12": 0} {
		if got := ParsePhase(text); got != want {
			t.Errorf("phase %q is %d", text, got)
		}
	}
	for text, want := range map[string]int{"0": 0, "7": 7, "8": -1, "critical": 2, "EMERGENCY": 0, "debug": 7, "": -1, "12": -1} {
		if got := ParseSeverity(text); got != want {
			t.Errorf("severity %q is %d", text, got)
		}
	}
}
