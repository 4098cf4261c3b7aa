package compile

import (
	"path"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/operator"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// operator makes the test of d's rule. Patterns are collected later, from the rules that remain.
func (b *builder) operator(d *draft) {
	r := d.rule
	r.Operator = Operator{ID: d.operator.ID, Negated: d.operator.Negated, Pattern: -1, Text: d.operator.Argument}
	if d.action || d.operator.ID == seclang.OpAlways { // the latter where nobody knows which operator it is
		r.Operator = Operator{Pattern: -1}
		return
	}
	arg := d.operator.Argument
	switch d.operator.ID {
	case seclang.OpRx:
		d.pattern = &match.Pattern{Kind: match.Regexp, Expr: arg}
		return
	case seclang.OpPm:
		d.pattern = &match.Pattern{Kind: match.Words, Words: operator.Words(arg)}
		return
	case seclang.OpPmFromDataset:
		d.pattern = b.o.lists.pattern(d.words)
		return
	case seclang.OpPmFromFile:
		d.pattern = b.wordsOfFile(d)
		return
	}
	if expands(d.operator.ID) {
		m, err := seclang.ParseMacro(arg)
		if err != nil {
			b.syntax(d.operator.Position, err)
			return
		}
		if _, constant := m.Constant(); !constant {
			r.Operator.Macro = b.convert(m)
			return
		}
	}
	if d.operator.ID == seclang.OpIpMatchFromDataset {
		arg = strings.Join(d.words, "\n")
	}
	r.Operator.Test = b.test(d, arg)
}

// test compiles an operator that is no pattern.
func (b *builder) test(d *draft, arg string) operator.Operator {
	t, err := operator.New(b.o.Files, dirOf(d.File), d.operator.ID, arg)
	if err != nil {
		b.fault(d.operator.Position, instead(d.operator.ID), "%v", err)
	}
	return t
}

// instead says what to write in place of an operator that is not to be had.
func instead(id seclang.OperatorID) string {
	switch id {
	case seclang.OpGeoLookup:
		return "name networks: @ipMatchFromFile with a list of them"
	case seclang.OpInspectFile, seclang.OpValidateSchema:
		return "take the rule out"
	}
	return ""
}

// expands reports whether macros in the operator's argument are expanded. Patterns are compiled once: a macro in one is text.
func expands(id seclang.OperatorID) bool {
	switch id {
	case seclang.OpEq, seclang.OpGe, seclang.OpGt, seclang.OpLe, seclang.OpLt, seclang.OpStreq, seclang.OpContains, seclang.OpContainsWord,
		seclang.OpBeginsWith, seclang.OpEndsWith, seclang.OpWithin, seclang.OpStrmatch:
		return true
	}
	return false
}

func dirOf(file string) string {
	if filepath.IsAbs(file) {
		return filepath.Dir(file)
	}
	return path.Dir(file)
}

// lists keeps lists of words that were read, so that rules with one list share it.
type lists map[listKey]*match.Pattern

// listKey is the name of a file, or the first word of a data set.
type listKey struct {
	file  string
	first *string
}

// pattern returns the pattern of a data set.
func (l lists) pattern(words []string) *match.Pattern {
	key := listKey{first: unsafe.SliceData(words)}
	if l[key] == nil {
		p := &match.Pattern{Kind: match.Words, Words: words}
		if len(words) == 0 {
			return p
		}
		l[key] = p
	}
	return l[key]
}

// wordsOfFile reads the words of @pmFromFile. Relative names start at the folder of the file of rules.
func (b *builder) wordsOfFile(d *draft) *match.Pattern {
	name := d.operator.Argument
	if !filepath.IsAbs(name) {
		name = path.Join(dirOf(d.File), name)
	}
	if p := b.o.lists[listKey{file: name}]; p != nil {
		return p
	}
	p := &match.Pattern{Kind: match.Words}
	if b.o.Files == nil {
		b.fault(d.operator.Position, "", "read %s: there are no data files here", name)
		return p
	}
	text, err := b.o.Files.Read(name)
	if err != nil {
		b.fault(d.operator.Position, "relative names start at the folder of the file of rules", "read data file: %v", err)
		return p
	}
	if p.Words = operator.WordsOfFile(text); len(p.Words) == 0 {
		b.fault(d.operator.Position, "", "data file %s has no words", name)
		return p
	}
	b.o.lists[listKey{file: name}] = p
	return p
}
