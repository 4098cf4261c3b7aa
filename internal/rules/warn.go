package rules

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Warnings lists what the engineer should know about rules that work: own ones that hardly do what is meant, in the order of the files; patterns that
// cost more than limit nanoseconds a byte, and lists that are very long, those of the Core Rule Set too; and that nothing of that is left. The last has
// the place of the directive that took rules out, none where exclusions did.
func (e *Engine) Warnings(limit float64) []Fault {
	p := e.set.program
	list := slices.DeleteFunc(slices.Concat(p.Notes, p.Warnings(limit)), func(f seclang.Fault) bool {
		return strings.HasPrefix(f.File, exclusionFile+"[") // checked before they became rules
	})
	if e.set.bare != nil {
		list = append(list, seclang.Fault{
			Position: *e.set.bare, Warning: true, Text: "no rule of the Core Rule Set that looks for attacks is left",
			Hint: "name the rules, tags or paths that are in the way, or set waf.core_rules to false where that is meant",
		})
	}
	return quoted(list, newTree())
}

// looks reports whether any rule of the Core Rule Set adds to the score of an exchange.
func looks(p *compile.Program) bool {
	for i := range p.Rules {
		if len(p.Rules[i].Scores) > 0 && slices.Contains(p.Rules[i].Tags, crsTag) {
			return true
		}
	}
	return false
}

// emptied is the place of the last directive that takes rules out.
func (s *source) emptied() *seclang.Position {
	for _, d := range slices.Backward(s.own) {
		if strings.HasPrefix(d.Name, "SecRuleRemoveBy") {
			return &d.Position
		}
	}
	return &seclang.Position{}
}
