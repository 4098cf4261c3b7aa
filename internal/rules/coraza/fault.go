package coraza

import (
	"fmt"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong with rules or exclusions.
type Fault struct {
	File string // "" for exclusions
	Line int    // from 1; 0 unknown
	Rule int    // rule id, 0 without
	Text string // what is wrong
	Hint string // what to do, "" where Text says it

	Source    string // the directive, bounded; "" for exclusions
	Exclusion int    // from 1: place in Settings.Exclusions; 0: not about one
	Field     string // of the exclusion: rules, tag, target, path; "" the whole
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
	if f.Exclusion != 0 {
		fmt.Fprintf(&b, "exclusions[%d]: ", f.Exclusion-1)
	}
	b.WriteString(f.Text)
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
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
		return Fault{Exclusion: d.line, Text: text}
	}
	return Fault{File: d.file, Line: d.line, Rule: d.ruleID(), Text: text, Source: d.source()}
}

// source is the beginning of the directive as it may be shown.
func (d directive) source() string {
	s := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, d.text[:min(len(d.text), 400)])
	if r := []rune(s); len(r) > 100 {
		s = string(r[:99]) + "…"
	}
	return s
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
