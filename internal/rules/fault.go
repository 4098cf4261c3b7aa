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
type LoadError struct {
	Faults []Fault
	Inputs Inputs // what was read until then: a change of one of them may mend the fault
}

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

// quoted is placed, where faults show the line that they are about, of a rule over several lines too.
func quoted(list []seclang.Fault, files seclang.Files) []Fault {
	texts := map[string][]string{}
	faults := placed(list).Faults
	for i := range faults {
		f := &faults[i]
		if f.Line < 1 || f.Source == "" || strings.HasPrefix(f.File, "@") {
			continue
		}
		lines, ok := texts[f.File]
		if !ok {
			b, err := files.Read(f.File)
			if err == nil {
				lines = strings.Split(string(b), "\n")
			}
			texts[f.File] = lines
		}
		if f.Line <= len(lines) {
			f.Source = seclang.Excerpt(lines[f.Line-1], f.Column)
		}
	}
	return faults
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
