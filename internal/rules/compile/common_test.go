package compile

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

const shared = `SecRule ARGS "@rx one" "id:1,phase:2,deny"
SecRule ARGS "@pm two three" "id:2,phase:2,deny"
SecRule ARGS "@rx four" "id:3,phase:2,deny,chain"
SecRule ARGS "@rx five" ""
SecRule ARGS "@rx bad(" "id:4,phase:2,deny"
`

// TestCommon compiles programs that differ in what takes rules out: they have one set of patterns, and each finds its own in it.
func TestCommon(t *testing.T) {
	parse := func(text string) []seclang.Directive {
		list, faults := seclang.ParseText(nil, "", text)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		return list
	}
	cache := match.NewCache()
	var first *match.Set
	for _, c := range []struct {
		name, before, after string
		same                bool
	}{
		{"nothing else", "", "SecRuleRemoveById 4\n", true},
		{"removed", "", "SecRuleRemoveById 1 4\n", true},
		{"all removed", "", "SecRuleRemoveById 1-9\n", true},
		{"target taken out", "", "SecRuleRemoveById 4\nSecRuleUpdateTargetById 1 \"!ARGS:x\"\n", true},
		{"never matches", "", "SecRuleRemoveById 4\nSecRuleUpdateTargetById 2 \"!ARGS\"\n", true},
		{"at run time", `SecRule REQUEST_FILENAME "@streq /a" "id:9,phase:1,pass,nolog,ctl:ruleRemoveById=3"` + "\n", "SecRuleRemoveById 4\n", true},
		{"a rule more", "", "SecRuleRemoveById 4\nSecRule ARGS \"@rx six\" \"id:5,phase:2,deny\"\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, faults := Compile(parse(c.before+shared+c.after), Options{Patterns: cache, Common: parse(shared)})
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			if first == nil {
				first = p.Patterns
			}
			if (p.Patterns == first) != c.same {
				t.Errorf("same patterns: %v", p.Patterns == first)
			}
			words := map[int]string{1: "one", 2: "three", 3: "four", 5: "six"}
			for i := range p.Rules {
				r := &p.Rules[i]
				if word, ok := words[r.ID]; ok && !finds(p.Views[InRequest], r.Operator.Pattern, word) || r.Operator.Pattern >= 0 && finds(p.Views[InRequest], r.Operator.Pattern, "bad(") {
					t.Errorf("rule %d has another's pattern", r.ID)
				}
			}
		})
	}
	if _, faults := Compile(parse(shared), Options{Patterns: cache, Common: parse(shared)}); len(faults) != 1 || faults[0].Rule != 4 {
		t.Errorf("the rule that is there and wrong: %v", faults)
	}
}

func finds(s *match.Set, pattern int32, value string) bool {
	var x match.Scratch
	want, hits := make(match.Bits, s.Words()), make(match.Bits, s.Words())
	want[pattern>>6] |= 1 << (pattern & 63)
	s.Scan(&x, value, want, hits)
	return hits[pattern>>6]>>(pattern&63)&1 != 0
}
