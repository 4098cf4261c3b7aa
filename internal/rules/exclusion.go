package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/spelling"
)

// Ids of the rules that Lunette adds, and the tag of all core rules.
const (
	idReserved  = 40_000_000
	idExclusion = 40_000_100
	crsTag      = "OWASP_CRS"

	exclusionFile = "exclusions" // stands for the list of them, with the place in it: exclusions[0]
)

// compileExclusions writes exclusions as SecLang: early ones run before the rules that they concern, late ones change rules
// that are already loaded. known says which rule ids exist, nil where nobody can say that.
func compileExclusions(list []Exclusion, known map[int]bool) (early, after []seclang.Directive, faults []Fault) {
	for i, x := range list {
		if f := x.check(known); f.Text != "" {
			f.Exclusion = i + 1
			faults = append(faults, f)
			continue
		}
		text := x.loadTime()
		if x.Path != "" {
			text = x.runtime(idExclusion + i)
		}
		read, found := seclang.ParseText(nil, fmt.Sprintf("%s[%d]", exclusionFile, i), strings.Join(text, "\n"))
		for _, f := range found {
			faults = append(faults, exclusionOf(f))
		}
		if x.Path != "" {
			early = append(early, read...)
		} else {
			after = append(after, read...)
		}
	}
	return early, after, faults
}

// exclusionOf says which exclusion f is about, where it is about the text of one.
func exclusionOf(f seclang.Fault) Fault {
	place, ok := strings.CutPrefix(f.File, exclusionFile+"[")
	if !ok {
		return Fault{Fault: f}
	}
	i, _ := strconv.Atoi(strings.TrimSuffix(place, "]"))
	return Fault{Fault: seclang.Fault{Rule: f.Rule, Text: f.Text, Hint: f.Hint}, Exclusion: i + 1}
}

// check returns what is wrong with x; without Text nothing is.
func (x Exclusion) check(known map[int]bool) Fault {
	fault := func(field, text, hint string, args ...any) Fault {
		return Fault{Fault: seclang.Fault{Text: fmt.Sprintf(text, args...), Hint: hint}, Field: field}
	}
	switch {
	case len(x.Rules) == 0 && x.Tag == "" && x.Target == "" && x.Path == "":
		return fault("", "is empty", "name a rule, a tag, a target or a path")
	case len(x.Rules) > 0 && x.Tag != "":
		return fault("tag", "has both rules and a tag", "write two exclusions")
	case strings.ContainsAny(x.Tag, "\"'`,;\\ \t\r\n"):
		return fault("tag", "tag %q has a character that no tag has", "", x.Tag)
	case strings.ContainsAny(x.Target, "\"'`,;|!& \t\r\n") || strings.HasSuffix(x.Target, "\\"):
		return fault("target", "target %q has spaces, quotes or one of , ; | ! &", "want one variable such as ARGS:q or REQUEST_COOKIES:/^s_/", x.Target)
	case strings.ContainsAny(x.Path, "\"'`\r\n%\\"):
		return fault("path", "path %q has quotes, %% or a backslash", "write it decoded", x.Path)
	case x.Path != "" && x.Path[0] != '/':
		return fault("path", "path %q does not begin with /", "", x.Path)
	}
	for _, id := range x.Rules {
		if id == idTooMany {
			return fault("rules", "rule %d cannot be excluded", "raise waf.arguments", id)
		}
		if known != nil && !known[id] {
			return fault("rules", "rule %d does not exist", "take the id from the access log or from lunette explain-block", id)
		}
	}
	name, _, _ := strings.Cut(x.Target, ":")
	if x.Target != "" && !isVariable(name) {
		hint := ""
		if near := spelling.Nearest(name, targets()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return fault("target", "target %q: there is no variable %s", hint, x.Target, name)
	}
	return Fault{}
}

// targets returns the variables that exclusions name most, for a hint.
func targets() []string {
	return strings.Fields("ARGS ARGS_GET ARGS_POST ARGS_NAMES ARGS_GET_NAMES ARGS_POST_NAMES QUERY_STRING " +
		"REQUEST_COOKIES REQUEST_COOKIES_NAMES REQUEST_HEADERS REQUEST_HEADERS_NAMES REQUEST_BODY REQUEST_URI REQUEST_URI_RAW " +
		"REQUEST_FILENAME REQUEST_BASENAME REQUEST_LINE REQUEST_METHOD REQUEST_PROTOCOL FILES FILES_NAMES XML " +
		"MULTIPART_PART_HEADERS RESPONSE_BODY RESPONSE_HEADERS RESPONSE_STATUS")
}

// isVariable reports whether rules can name a variable so.
func isVariable(name string) bool {
	_, ok := seclang.LookupVariable(name)
	return ok
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
		ordinaryPath + strings.Join(ctl, ",") + `"`,
	}
}

// ordinaryPath begins a rule that matches paths without dot segments and backslashes. Its actions follow.
const ordinaryPath = `SecRule REQUEST_FILENAME "!@rx \x5c|/\.\.?(?:/|$)" "t:none,`

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
