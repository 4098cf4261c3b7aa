package rules

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Warnings lists what the engineer should know about rules that work: patterns that cost more than limit nanoseconds a byte, lists that are very
// long, and that nothing of the Core Rule Set is left. That has the place of the last directive that took rules out; none where exclusions did.
func (e *Engine) Warnings(limit float64) []compile.Warning {
	out := e.set.program.Warnings(limit)
	if e.set.bare != nil {
		out = append(out, compile.Warning{
			Position: *e.set.bare, Text: "no rule of the Core Rule Set that looks for attacks is left",
			Hint: "name the rules, tags or paths that are in the way, or set waf.core_rules to false where that is meant",
		})
	}
	return out
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
