package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Fault is one thing that is wrong with rules or exclusions.
type Fault struct {
	seclang.Fault        // File is "" for exclusions
	Exclusion     int    // from 1: place in Settings.Exclusions; 0: not about one
	Field         string // of the exclusion: rules, tag, target, path; "" the whole
}

func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
			if f.Column > 0 {
				fmt.Fprintf(&b, ":%d", f.Column)
			}
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

// placed makes one error of what the stages found.
func placed(list []seclang.Fault) *LoadError {
	e := &LoadError{}
	for _, f := range list {
		e.Faults = append(e.Faults, exclusionOf(f))
	}
	return e
}

// sorted orders faults by file and line, and leaves out what is said twice.
func sorted(list []Fault) []Fault {
	slices.SortStableFunc(list, func(a, b Fault) int {
		if n := strings.Compare(a.File, b.File); n != 0 {
			return n
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(list)
}

// owned returns the directives that a rule file must not give, with what to do instead. They would work against the
// configuration or write files behind its back.
func owned() map[string]string {
	m := map[string]string{
		"SecRuleEngine":                  "set waf.mode in the configuration",
		"SecArgumentsLimit":              "set waf.arguments in the configuration",
		"SecRxPreFilter":                 "every pattern is found without it",
		"SecDefaultAction":               "the Core Rule Set depends on its own; state the actions in each rule",
		"SecIgnoreRuleCompilationErrors": "a rule that does not compile is always an error",
		"SecRemoteRules":                 "rules are read from local files only",
		"SecRemoteRulesFailAction":       "rules are read from local files only",
	}
	for _, n := range strings.Fields("SecRequestBodyAccess SecRequestBodyLimit SecRequestBodyInMemoryLimit SecRequestBodyLimitAction " +
		"SecRequestBodyNoFilesLimit SecRequestBodyJsonDepthLimit SecResponseBodyAccess SecResponseBodyLimit SecResponseBodyLimitAction " +
		"SecResponseBodyMimeType SecResponseBodyMimeTypesClear") {
		m[n] = "set the body limits under waf in the configuration"
	}
	for _, n := range strings.Fields("SecAuditEngine SecAuditLog SecAuditLogType SecAuditLogFormat SecAuditLogStorageDir SecAuditLogDirMode " +
		"SecAuditLogFileMode SecAuditLogRelevantStatus SecAuditLogParts SecDebugLog SecDebugLogLevel") {
		m[n] = "set audit_log in the configuration"
	}
	for _, n := range strings.Fields("SecDataDir SecUploadDir SecUploadKeepFiles SecUploadFileMode SecUploadFileLimit SecTmpDir") {
		m[n] = "temporary files are Lunette's own"
	}
	return m
}
