package compile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// TestKept has rules that stay: to name one is a fault, ranges pass over it.
func TestKept(t *testing.T) {
	const rules = `SecRule ARGS "@streq a" "id:7,phase:2,deny,log,msg:'stays',tag:'t'"
SecRule ARGS "@streq b" "id:8,phase:2,deny,log,msg:'goes',tag:'t'"
`
	for directive, want := range map[string]string{
		"SecRuleRemoveById 7":                                                  "SecRuleRemoveById: rule 7 can be neither taken out nor changed",
		"SecRuleRemoveById 1-9":                                                "",
		"SecRuleRemoveByTag t":                                                 "",
		"SecRuleRemoveByMsg stays":                                             "",
		`SecRuleUpdateActionById 7 "pass"`:                                     "SecRuleUpdateActionById: rule 7 can be neither taken out nor changed",
		`SecRuleUpdateActionById 1-9 "pass"`:                                   "",
		`SecRuleUpdateTargetById 7 "!ARGS:a"`:                                  "SecRuleUpdateTargetById: rule 7 can be neither taken out nor changed",
		`SecRuleUpdateTargetByTag t "!ARGS"`:                                   "",
		`SecRuleUpdateTargetByMsg stays "!ARGS"`:                               "",
		`SecAction "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=7"`:             "ctl:ruleRemoveById: rule 7 can be neither taken out nor changed",
		`SecAction "id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=7;ARGS"`:  "ctl:ruleRemoveTargetById: rule 7 can be neither taken out nor changed",
		`SecAction "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=1-9"`:           "",
		`SecAction "id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=t;ARGS"`: "",
	} {
		_, list := parse(t, rules+directive+"\n")
		p, faults := Compile(list, Options{Kept: map[int]string{7: "do otherwise"}})
		if want != "" {
			if len(faults) != 1 || faults[0].Text != want || faults[0].Hint != "do otherwise" || faults[0].Line != 3 {
				t.Errorf("%s: %+v", directive, faults)
			}
			continue
		}
		if len(faults) > 0 {
			t.Errorf("%s: %v", directive, faults)
			continue
		}
		_, alone := parse(t, strings.SplitAfter(rules, "\n")[0])
		q, _ := Compile(alone, Options{})
		if len(p.Rules) == 0 {
			t.Errorf("%s: no rule is left", directive)
			continue
		}
		for i := range p.Rules {
			r := &p.Rules[i]
			for _, d := range r.Do {
				if d.Ctl != nil && hasBit(d.Ctl.Rules, 0) {
					t.Errorf("%s: rule 7 can go", directive)
				}
			}
			if r.ID == 7 && (len(r.Targets) != len(q.Rules[0].Targets) || r.Disrupt != q.Rules[0].Disrupt || len(r.Targets[0].Except) > 0) {
				t.Errorf("%s: rule 7 has changed", directive)
			}
		}
		if !strings.Contains(directive, "SecAction") && p.Rules[0].ID != 7 {
			t.Errorf("%s: rule 7 is gone", directive)
		}
	}
}

// counting counts what is read.
type counting struct {
	text []byte
	read int
}

func (c *counting) Read(string) ([]byte, error) { c.read++; return c.text, nil }
func (*counting) Glob(string) ([]string, error) { return nil, nil }

var _ seclang.Files = (*counting)(nil)

// TestListsOnce reads a file of words once, however many rules name it, and warns of a long one at each.
func TestListsOnce(t *testing.T) {
	files := &counting{text: bytes.Repeat([]byte("0123456789\n"), 2)}
	list, faults := seclang.ParseText(nil, "", `SecRule ARGS "@pmFromFile a" "id:1,phase:2,deny"
SecRule ARGS_NAMES "@pmFromFile a" "id:2,phase:2,deny"
SecRule ARGS "@pmFromFile b" "id:3,phase:2,deny"
`)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	compiled := func() *Program {
		p, faults := Compile(list, Options{Files: files, Common: list})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		return p
	}
	p := compiled()
	if got := []int32{p.Rules[0].Operator.Pattern, p.Rules[1].Operator.Pattern, p.Rules[2].Operator.Pattern}; !cmp.Equal(got, []int32{0, 0, 0}) {
		t.Errorf("patterns %v", got)
	}
	if files.read != 2 || len(p.Warnings(1e9)) > 0 {
		t.Errorf("%d reads, warnings %v", files.read, p.Warnings(1e9))
	}
	var b bytes.Buffer
	for i := range manyWords + 1 {
		b.WriteString(strings.Repeat("x", 3) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + string(rune('a'+i/17576)) + "\n")
	}
	files.text = b.Bytes()
	if w := compiled().Warnings(1e9); len(w) != 3 || !strings.Contains(w[0].Text, "200001 words") || w[0].Hint == "" {
		t.Errorf("warnings %v", w)
	}
}
