// Package soup makes hostile text of what the Core Rule Set looks for, and requests that carry it, for programs that measure the rules.
//
// Input: the embedded rule set, random numbers. Output: directives, words, text, exchanges. Promises: the same words and the same numbers give the
// same text, so that a measurement with a seed can be repeated. Non-goals: attacks that would work.
package soup

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Core is the embedded rule set as seclang reads it.
type Core struct{}

// Read implements seclang.Files.
func (Core) Read(name string) ([]byte, error) { return fs.ReadFile(coreruleset.FS, name) }

// Glob implements seclang.Files.
func (Core) Glob(pattern string) ([]string, error) { return fs.Glob(coreruleset.FS, pattern) }

// folder is where the embedded rule set keeps its files.
const folder = "@owasp_crs/"

// Directives reads the rules of the rule set, in the order in which they run. The error names the first fault.
func Directives() ([]seclang.Directive, error) {
	names, err := Core{}.Glob(folder + "*.conf")
	if err != nil {
		return nil, err
	}
	list, faults := seclang.Parse(Core{}, names)
	if len(faults) > 0 {
		return nil, fmt.Errorf("read rules: %v", faults[0])
	}
	return list, nil
}

// Data reads a file of words of the rule set; name is what a rule calls it by.
func Data(name string) ([]string, error) {
	text, err := Core{}.Read(folder + strings.TrimPrefix(name, folder))
	if err != nil {
		return nil, err
	}
	var out []string
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out, nil
}

// Words gathers what the rule set looks for, sorted, each once: the literal parts of its expressions, the words of @pm and of its data files.
func Words() ([]string, error) {
	list, err := Directives()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range list {
		if d.Rule == nil {
			continue
		}
		switch o := d.Rule.Operator; o.ID {
		case seclang.OpRx:
			if re, err := syntax.Parse("(?s)"+o.Argument, syntax.Perl); err == nil {
				out = Literals(out, re)
			}
		case seclang.OpPm:
			out = append(out, strings.Fields(o.Argument)...)
		}
	}
	files, err := Core{}.Glob(folder + "*.data")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		words, err := Data(f)
		if err != nil {
			return nil, err
		}
		out = append(out, words...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Literals appends to out the literal parts of re that are longer than one sign, in lower case.
func Literals(out []string, re *syntax.Regexp) []string {
	if re.Op == syntax.OpLiteral && len(re.Rune) > 1 {
		return append(out, strings.ToLower(string(re.Rune)))
	}
	for _, sub := range re.Sub {
		out = Literals(out, sub)
	}
	return out
}
