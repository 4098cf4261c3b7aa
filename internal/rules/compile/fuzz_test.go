package compile

import (
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// FuzzCompile compiles random rules: it must not panic, must give the same again, and every number in a program must name something.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{`SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"
SecRule TX:a "@eq 1" "id:2,phase:1,pass,nolog,skipAfter:E"
SecRule ARGS "@rx a" "id:3,phase:1,deny,skip:2"
SecMarker E
`, `SecRule ARGS|!ARGS:a|&TX:b "@pm a b" "id:1,phase:2,chain,capture,t:lowercase"
SecRule TX:/a/ "!@within %{tx.0}" "setvar:tx.a_%{tx.1}=+%{tx.b},ctl:ruleRemoveById=1-9"
`, `SecDefaultAction "phase:2,deny,log"
SecRule ARGS "x" "id:1,block"
SecRuleUpdateTargetById 1 "!ARGS"
SecRuleUpdateActionById 1 "pass"
SecRuleRemoveByTag x
`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		files := memory{"f.conf": text}
		list, found := seclang.ParseBeside(files, []string{"f.conf"}, seclang.Surroundings{})
		for i := range list {
			if list[i].Gap != seclang.Whole && len(found) == 0 {
				t.Fatalf("%+v has a gap without a fault", list[i])
			}
		}
		sound := len(Check(list, Options{Files: files})) == 0 // of gaps too
		list = slices.DeleteFunc(list, func(d seclang.Directive) bool { return d.Gap != seclang.Whole })
		p, faults := Compile(list, Options{Files: files, Given: []string{"given"}})
		if (p == nil) != (len(faults) > 0) {
			t.Fatalf("program %v, faults %v", p != nil, faults)
		}
		if len(found) == 0 && sound == (p == nil) {
			t.Errorf("sound %v, program %v, faults %v", sound, p != nil, faults)
		}
		if p == nil {
			return
		}
		if again, _ := Compile(list, Options{Files: files, Given: []string{"given"}}); again == nil || again.String() != p.String() {
			t.Error("the same rules gave another program")
		}
		check(t, p)
	})
}

// check demands that all indexes of a program are in range.
func check(t *testing.T, p *Program) {
	t.Helper()
	for n, ph := range p.Phases {
		for _, i := range ph.Rules {
			for r := &p.Rules[i]; r != nil; r = r.Next {
				if int(r.Phase) != n {
					t.Errorf("rule %d of phase %d stands in phase %d", r.ID, r.Phase, n)
				}
				checkRule(t, p, r, len(ph.Rules))
			}
		}
		for _, wakes := range ph.Plan.Wakes {
			for _, pos := range wakes {
				if hasBit(ph.Plan.Always, int(pos)) {
					t.Errorf("position %d of phase %d always runs and is woken", pos, n)
				}
			}
		}
	}
}

func checkRule(t *testing.T, p *Program, r *Rule, positions int) {
	t.Helper()
	if int(r.SkipTo) > positions || r.SkipTo < -1 {
		t.Errorf("rule %d goes on at %d of %d", r.ID, r.SkipTo, positions)
	}
	if int(r.Chain) >= len(p.Chains) {
		t.Errorf("rule %d has chain %d of %d", r.ID, r.Chain, len(p.Chains))
	}
	o := r.Operator
	if o.ID != seclang.OpAlways && (o.Pattern < 0) == (o.Test == nil && o.Macro == nil) {
		t.Errorf("rule %d has no test, or two", r.ID)
	}
	if o.ID != seclang.OpAlways && len(r.Targets) == 0 {
		t.Errorf("rule %d has no targets: it would always match", r.ID)
	}
	for _, target := range r.Targets {
		if int(target.Slot) >= len(p.Slots) {
			t.Errorf("rule %d reads slot %d of %d", r.ID, target.Slot, len(p.Slots))
		}
	}
	for _, d := range r.Do {
		if d.Ctl != nil && d.Ctl.Rules != nil && len(d.Ctl.Rules) != (len(p.Rules)+63)/64 {
			t.Errorf("rule %d removes %d words of %d rules", r.ID, len(d.Ctl.Rules), len(p.Rules))
		}
	}
}
