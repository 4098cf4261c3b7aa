package rules

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Notes returns what works in the rules of the user, but hardly as it was meant, in the order of the files.
func (e *Engine) Notes() []Fault {
	var own []seclang.Fault
	for _, f := range e.set.program.Notes {
		if !strings.HasPrefix(f.File, exclusionFile+"[") {
			own = append(own, f)
		}
	}
	return quoted(own, newTree())
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
