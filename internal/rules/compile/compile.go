package compile

import (
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Options say what is known besides the directives.
type Options struct {
	Files seclang.Files
	// Fixed are TX variables whose values are known now, by lower case name: conditions on them are folded.
	Fixed map[string]string
	// Given are TX variables that the caller sets before the first rule to values that differ from engine to engine.
	Given []string
	// Patterns are what earlier programs compiled: equal patterns are not compiled again. nil: none are shared.
	Patterns *match.Cache
	Limits   match.Limits
}

// Compile makes a program of directives. With faults the program is nil.
func Compile(list []seclang.Directive, o Options) (*Program, []seclang.Fault) { return nil, nil }

// Warning is what the engineer should know about rules that work.
type Warning struct {
	seclang.Position
	Rule int
	Text string
	Cost float64 // ns a byte of the rule's pattern
}

// Warnings lists rules whose pattern costs more than limit nanoseconds a byte.
func (p *Program) Warnings(limit float64) []Warning { return nil }
