package rules_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
)

// TestNothingLeft warns where directives or exclusions take all of the Core Rule Set out, and only there.
func TestNothingLeft(t *testing.T) {
	for _, c := range []struct {
		name  string
		own   string
		s     rules.Settings
		warns bool
		line  int
	}{
		{"whole", "", rules.Settings{}, false, 0},
		{"some taken out", "SecRuleRemoveById 942000-942999\n", rules.Settings{}, false, 0},
		{"all ids", "SecRuleRemoveById 942100\nSecRuleRemoveById 1-999999999\n", rules.Settings{}, true, 2},
		{"the tag", "SecRuleRemoveByTag OWASP_CRS\n", rules.Settings{}, true, 1},
		{"an exclusion", "", rules.Settings{Exclusions: []rules.Exclusion{{Tag: "OWASP_CRS"}}}, true, 0},
		{"not wanted", "SecAction \"id:1,phase:1,pass,nolog\"\n", rules.Settings{NoCore: true}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.own != "" {
				write(t, dir, "own.conf", c.own)
				c.s.Files = []string{filepath.Join(dir, "own.conf")}
			}
			e := open(t, c.s)
			w := e.Warnings(1e9)
			if !c.warns {
				if len(w) > 0 {
					t.Errorf("warnings %v", w)
				}
				return
			}
			if len(w) != 1 || !strings.Contains(w[0].Text, "no rule of the Core Rule Set") || w[0].Line != c.line || w[0].Hint == "" {
				t.Errorf("warnings %+v", w)
			}
			var many strings.Builder // more arguments than rules look at are refused all the same
			for range rules.DefaultArguments + 1 {
				many.WriteString("&a=1")
			}
			if o := run(e, get("/?"+many.String()[1:]), ""); o.answer == nil || o.answer.Status != 413 {
				t.Errorf("%v %+v", o.err, o.answer)
			}
		})
	}
}
