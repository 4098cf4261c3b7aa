// Package archtest holds the rules of the house as a test: who may import whom, how long files, functions and
// interfaces may be, what a package comment says, and what product code never does.
//
// Input: the root of a Go module, read with go/parser; nothing is compiled or run. Output: [Violation] values, each with
// file, line, rule, and what to do about it.
// Promises: one pass over the source, the same answer on every machine, whatever build tags say; a broken file is a
// violation, not an end; an exception that nothing needs any more is a violation too, so that the list only shrinks.
// Non-goals: what a linter finds better (.golangci.yml), what needs types across packages, style.
package archtest

import (
	"cmp"
	"fmt"
	"slices"
)

// Violation is one place that breaks one rule.
type Violation struct {
	Rule string // name of the rule, e.g. "import"
	File string // relative to the module's root, with slashes
	Line int    // 1-based; 0 when it concerns the whole file
	Name string // what an [Exception] names: the package, function, variable or word
	Text string // what is wrong and what to do
}

func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", v.File, v.Line, v.Rule, v.Text)
}

// Exception lets one named thing break one rule, for a reason.
type Exception struct {
	Rule, File, Name string
	Why              string
}

// rule is one check over the whole tree.
type rule struct {
	name  string
	check func(t *Tree, report func(Violation))
}

// rules is every rule there is; each has a tree under testdata that breaks it.
func rules() []rule {
	return []rule{
		{"parse", checkParse},
		{"import", checkImports},
		{"module", checkModules},
		{"file", checkFileLength},
		{"function", checkFunctionLength},
		{"interface", checkInterfaces},
		{"comment", checkComments},
		{"init", checkInit},
		{"state", checkState},
		{"pure", checkPure},
		{"exec", checkExec},
		{"godebug", checkGodebug},
		{"sleep", checkSleep},
		{"port", checkPorts},
		{"word", checkWords},
	}
}

// Check returns every violation in t that no exception covers, and every exception that covers none, by file and line.
func Check(t *Tree, exceptions []Exception) []Violation {
	var out []Violation
	used := make([]bool, len(exceptions))
	for _, r := range rules() {
		r.check(t, func(v Violation) {
			v.Rule = r.name
			if i := slices.IndexFunc(exceptions, func(e Exception) bool {
				return e.Rule == v.Rule && e.File == v.File && e.Name == v.Name
			}); i >= 0 {
				used[i] = true
				return
			}
			out = append(out, v)
		})
	}
	for i, e := range exceptions {
		if !used[i] {
			out = append(out, Violation{Rule: "exception", File: e.File, Name: e.Name,
				Text: fmt.Sprintf("nothing breaks rule %s with %s any more: remove the exception", e.Rule, e.Name)})
		}
	}
	slices.SortFunc(out, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text))
	})
	return out
}
