package coraza

import (
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with rules or exclusions.
type Fault struct {
	File string // "" for exclusions
	Line int    // from 1; 0 unknown
	Rule int    // rule id, 0 without
	Text string // what is wrong and what to do
}

func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		b.WriteString(": ")
	}
	if f.Rule != 0 {
		fmt.Fprintf(&b, "rule %d: ", f.Rule)
	}
	b.WriteString(f.Text)
	return b.String()
}

// LoadError is every fault that was found in the rules of one [Settings], in the order of the files.
type LoadError struct{ Faults []Fault }

func (e *LoadError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return "load rules: " + strings.Join(lines, "\n")
}

func (d directive) fault(text string) Fault {
	if d.file == exclusionFile {
		return Fault{Text: fmt.Sprintf("exclusions[%d]: %s", d.line-1, text)}
	}
	return Fault{File: d.file, Line: d.line, Rule: d.ruleID(), Text: text}
}

// owned returns the directives that a rule file must not give, with what to do instead. They would work against the
// configuration, write files behind its back or, SecRxPreFilter, lose detections.
func owned() map[string]string {
	m := map[string]string{
		"secruleengine":                  "set waf.mode in the configuration",
		"secargumentslimit":              "set waf.arguments in the configuration",
		"secrxprefilter":                 "it loses detections and is never enabled",
		"secdefaultaction":               "the Core Rule Set depends on its own; state the actions in each rule",
		"secignorerulecompilationerrors": "a rule that does not compile is always an error",
		"secremoterules":                 "rules are read from local files only",
		"secremoterulesfailaction":       "rules are read from local files only",
	}
	for _, n := range strings.Fields("secrequestbodyaccess secrequestbodylimit secrequestbodyinmemorylimit secrequestbodylimitaction " +
		"secrequestbodynofileslimit secresponsebodyaccess secresponsebodylimit secresponsebodylimitaction secresponsebodymimetype " +
		"secresponsebodymimetypesclear") {
		m[n] = "set the body limits under waf in the configuration"
	}
	for _, n := range strings.Fields("secauditengine secauditlog secauditlogtype secauditlogformat secauditlogstoragedir secauditlogdirmode " +
		"secauditlogfilemode secauditlogrelevantstatus secauditlogparts secdebuglog secdebugloglevel") {
		m[n] = "matches are in the access log"
	}
	for _, n := range strings.Fields("secdatadir secuploaddir secuploadkeepfiles secuploadfilemode secuploadfilelimit sectmpdir") {
		m[n] = "temporary files are Lunette's own"
	}
	return m
}
