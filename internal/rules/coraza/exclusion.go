package coraza

import (
	"fmt"
	"strconv"
	"strings"
)

// Ids of the rules that Lunette adds, and the tag of all core rules.
const (
	idDetect    = 40_000_000
	idExclusion = 40_000_100
	crsTag      = "OWASP_CRS"

	exclusionFile = "exclusions" // stands for the list of them; the line is the place in it
)

// compileExclusions writes exclusions as SecLang: early ones run before the rules that they concern, late ones change rules
// that are already loaded. known says which rule ids exist.
func compileExclusions(list []Exclusion, known map[int]ruleInfo) (early, late []directive, faults []Fault) {
	for i, x := range list {
		text := func(s string, args ...any) Fault {
			return Fault{Text: fmt.Sprintf("exclusions[%d]: ", i) + fmt.Sprintf(s, args...)}
		}
		if f := x.check(known); f != "" {
			faults = append(faults, text("%s", f))
			continue
		}
		at := func(s string) directive { return directive{file: exclusionFile, line: i + 1, text: s} }
		if x.Path != "" {
			for _, s := range x.runtime(idExclusion + i) {
				early = append(early, at(s))
			}
			continue
		}
		for _, s := range x.loadTime() {
			late = append(late, at(s))
		}
	}
	return early, late, faults
}

// check returns what is wrong with x, or "".
func (x Exclusion) check(known map[int]ruleInfo) string {
	switch {
	case len(x.Rules) == 0 && x.Tag == "" && x.Target == "" && x.Path == "":
		return "is empty: name a rule, a tag, a target or a path"
	case len(x.Rules) > 0 && x.Tag != "":
		return "has both rules and a tag: write two exclusions"
	case strings.ContainsAny(x.Tag, "\"'`,;\\ \t\r\n"):
		return fmt.Sprintf("tag %q has a character that no tag has", x.Tag)
	case strings.ContainsAny(x.Target, "\"'`,;|!& \t\r\n") || strings.HasSuffix(x.Target, "\\"):
		return fmt.Sprintf("target %q: want one variable such as ARGS:q or REQUEST_COOKIES:/^s_/, without spaces, quotes, commas, ; | ! &", x.Target)
	case strings.ContainsAny(x.Path, "\"'`\r\n%\\"):
		return fmt.Sprintf("path %q: write it decoded, without quotes, %% and backslashes", x.Path)
	case x.Path != "" && x.Path[0] != '/':
		return fmt.Sprintf("path %q does not begin with /", x.Path)
	}
	for _, id := range x.Rules {
		if id == idTooMany {
			return fmt.Sprintf("rule %d cannot be excluded: raise waf.arguments", id)
		}
		if _, ok := known[id]; !ok {
			return fmt.Sprintf("rule %d does not exist", id)
		}
	}
	return x.checkTarget()
}

// checkTarget refuses variables that do not exist: the engine would take them without a word and exclude nothing.
func (x Exclusion) checkTarget() string {
	if x.Target == "" {
		return ""
	}
	name, _, _ := strings.Cut(x.Target, ":")
	if !isVariable(name) {
		return fmt.Sprintf("target %q: there is no variable %s", x.Target, name)
	}
	return ""
}

// runtime returns a chain of two rules that takes the exclusion into effect for requests to its path, compared after decoding.
// A path with dot segments or with a backslash, which some origins read as a slash, is never excluded: /search/../admin is
// no request for /search/.
func (x Exclusion) runtime(id int) []string {
	op, path := "@streq", x.Path
	if p, ok := strings.CutSuffix(path, "*"); ok {
		op, path = "@beginsWith", p
	} else if strings.HasSuffix(path, "/") && path != "/" {
		op = "@beginsWith"
	}
	var ctl []string
	tag := x.Tag
	if tag == "" {
		tag = crsTag
	}
	switch {
	case len(x.Rules) > 0 && x.Target != "":
		for _, r := range x.Rules {
			ctl = append(ctl, fmt.Sprintf("ctl:ruleRemoveTargetById=%d;%s", r, x.Target))
		}
	case len(x.Rules) > 0:
		for _, r := range x.Rules {
			ctl = append(ctl, "ctl:ruleRemoveById="+strconv.Itoa(r))
		}
	case x.Target != "":
		ctl = append(ctl, "ctl:ruleRemoveTargetByTag="+tag+";"+x.Target)
	default:
		ctl = append(ctl, "ctl:ruleRemoveByTag="+tag)
	}
	return []string{
		fmt.Sprintf(`SecRule REQUEST_FILENAME "%s %s" "id:%d,phase:1,pass,nolog,t:none,chain"`, op, path, id),
		`SecRule REQUEST_FILENAME "!@rx \x5c|/\.\.?(?:/|$)" "t:none,` + strings.Join(ctl, ",") + `"`,
	}
}

// loadTime returns directives that change the loaded rules for every request.
func (x Exclusion) loadTime() []string {
	tag := x.Tag
	if tag == "" {
		tag = crsTag
	}
	var out []string
	switch {
	case len(x.Rules) == 0 && x.Target == "":
		out = append(out, "SecRuleRemoveByTag "+tag)
	case len(x.Rules) == 0:
		out = append(out, fmt.Sprintf(`SecRuleUpdateTargetByTag %s "!%s"`, tag, x.Target))
	}
	for _, r := range x.Rules {
		if x.Target == "" {
			out = append(out, "SecRuleRemoveById "+strconv.Itoa(r))
		} else {
			out = append(out, fmt.Sprintf(`SecRuleUpdateTargetById %d "!%s"`, r, x.Target))
		}
	}
	return out
}
