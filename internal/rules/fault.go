package rules

import (
	"cmp"
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

// maxFaults is how many faults are told at once.
const maxFaults = 200

// sorted orders faults by file and line, leaves out what is said twice (of an update of many rules), and bounds what is left.
func sorted(list []Fault) []Fault {
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	seen := map[Fault]bool{}
	list = slices.DeleteFunc(list, func(f Fault) bool {
		f.Rule, f.Source = 0, ""
		twice := seen[f]
		seen[f] = true
		return twice
	})
	if len(list) > maxFaults {
		list = append(list[:maxFaults:maxFaults], Fault{Fault: seclang.Fault{
			Position: list[maxFaults].Position, Text: "more faults follow that are not listed", Hint: "mend these first",
		}})
	}
	return list
}
