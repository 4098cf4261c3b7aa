package compile

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// argument is one word of a directive that stands nowhere.
func argument(text string) seclang.Argument {
	return seclang.Argument{Position: seclang.Position{File: "rules.conf", Line: 9, Column: 25}, Text: text}
}

// TestUpdateMember changes a member of a chain, which is named by its place.
func TestUpdateMember(t *testing.T) {
	files, list := parse(t, `SecRule ARGS "@rx f" "id:6,phase:2,pass,chain,log"
  SecRule ARGS "@rx g" "setvar:tx.a=4"
`)
	update := seclang.Directive{Name: "SecRuleUpdateActionById", Args: []seclang.Argument{argument("6:1"), argument("t:lowercase,setvar:tx.more=1")}}
	p, faults := Compile(append(list, update), Options{Files: files})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	second := p.Rules[0].Next
	if got := p.Chains[second.Chain].Names; got != "t:lowercase" || len(second.Do) != 2 || len(p.Rules[0].Do) != 0 {
		t.Errorf("chain %q, actions %v and %v", got, second.Do, p.Rules[0].Do)
	}
	update.Args[0] = argument("6:2")
	if _, faults = Compile(append(list, update), Options{Files: files}); len(faults) != 1 || faults[0].Line != 9 || faults[0].Column != 25 {
		t.Errorf("faults %+v", faults)
	}
}

// TestReplaceTarget puts one target in the place of another.
func TestReplaceTarget(t *testing.T) {
	files, list := parse(t, `SecRule ARGS:Foo|REQUEST_HEADERS:Host "@rx f" "id:6,phase:2,pass,log"`+"\n")
	replace := seclang.Directive{
		Name: "SecRuleUpdateTargetById",
		Args: []seclang.Argument{argument("6"), argument("REQUEST_BODY"), argument("REQUEST_HEADERS:host|ARGS:foo")},
	}
	p, faults := Compile(append(list, replace), Options{Files: files})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if diff := cmp.Diff("ARGS:Foo|REQUEST_BODY", p.Rules[0].targets()); diff != "" {
		t.Error(diff)
	}
}

// TestUpdateMany changes rules that several words name, each once.
func TestUpdateMany(t *testing.T) {
	files, list := parse(t, `SecRule ARGS:a "@rx f" "id:6,phase:2,pass,log"
SecRule ARGS:b "@rx f" "id:7,phase:2,pass,log"
SecRule ARGS:c "@rx f" "id:8,phase:2,pass,log"
SecRule ARGS:d "@rx f" "id:9,phase:2,pass,log"
SecRuleUpdateTargetById 6 7-8 8 "ARGS:x"
SecRuleUpdateActionById 8-9 6 "deny,setvar:tx.a=1"
`)
	p, faults := Compile(list, Options{Files: files})
	if len(faults) > 0 || len(p.Notes) > 0 {
		t.Fatal(faults, p.Notes)
	}
	var got []string
	for i := range p.Rules {
		r := &p.Rules[i]
		got = append(got, fmt.Sprint(r.targets(), " ", r.Disrupt, " ", len(r.Do)))
	}
	want := []string{"ARGS:a|ARGS:x deny 1", "ARGS:b|ARGS:x pass 0", "ARGS:c|ARGS:x deny 1", "ARGS:d deny 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
