// Package operator holds the operators of SecLang that are no patterns: comparisons, ranges, addresses, validations, libinjection.
//
// Input: an operator and its argument; then values. Output: whether it matches, and what it captured.
// Promises: linear in the value; no allocation on values that do not match; safe for concurrent use. What cannot be run in a gateway
// (programs, DNS, a database that is not there) is refused when the operator is built, never ignored. Results equal Coraza's; where they
// do not, docs/rules-differences.md says who is right by the reference, and a test pins both.
// Non-goals: @rx and @pm (package match), negation, macros: the caller expands them and builds a new operator, or uses [Compare].
package operator

import (
	"errors"
	"fmt"
	"path"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Operator tests values.
type Operator interface {
	// Match reports whether value passes the test. What it captured (TX:0 …) is appended to captured, which may be nil.
	Match(value string, captured *[]string) bool
}

// Named is an Operator whose captures have names: they go to ARGS_PATH under them, not to TX. It is that of @restpath.
type Named interface {
	Operator
	Names() []string // of the captures that Match appends, in this order
}

// New builds an operator. dir is the folder of the file of rules, for operators that name a file. The argument of
// @ipMatchFromDataset is the text of the dataset, which the caller looked up.
func New(files seclang.Files, dir string, id seclang.OperatorID, argument string) (Operator, error) {
	op, err := build(files, dir, id, argument)
	if err != nil {
		return nil, fmt.Errorf("build @%v: %w", id, err)
	}
	return op, nil
}

func build(files seclang.Files, dir string, id seclang.OperatorID, argument string) (Operator, error) {
	switch id {
	case seclang.OpAlways, seclang.OpUnconditionalMatch:
		return constant(true), nil
	case seclang.OpNoMatch:
		return constant(false), nil
	case seclang.OpIpMatch:
		return newAddresses(splitCommas(argument), false)
	case seclang.OpIpMatchFromDataset:
		return newAddresses(entriesOfFile([]byte(argument)), false)
	case seclang.OpIpMatchFromFile:
		text, err := readFile(files, dir, argument)
		if err != nil {
			return nil, err
		}
		return newAddresses(entriesOfFile(text), true)
	case seclang.OpValidateByteRange:
		return newByteRange(argument)
	case seclang.OpValidateUrlEncoding:
		return test(badURLEncoding), nil
	case seclang.OpValidateUtf8Encoding:
		return test(badUTF8), nil
	case seclang.OpRestpath:
		return newPath(argument)
	case seclang.OpValidateNid:
		return newNational(argument)
	case seclang.OpVerifyCC, seclang.OpVerifySSN, seclang.OpVerifyCPF:
		return newChecked(id, argument)
	case seclang.OpDetectSQLi:
		return detectSQLi{}, nil
	case seclang.OpDetectXSS:
		return test(IsXSS), nil
	}
	if takesMacro(id) {
		return comparison{id, argument}, nil
	}
	return nil, refusal(id)
}

// refusal says why an operator is not to be had.
func refusal(id seclang.OperatorID) error {
	switch id {
	case seclang.OpRx, seclang.OpPm, seclang.OpPmFromFile, seclang.OpPmFromDataset:
		return errors.New("a pattern is not built here")
	case seclang.OpGeoLookup:
		return errors.New("no geo database configured")
	case seclang.OpRbl:
		return errors.New("a DNS question from a rule holds the request up until an answer comes: not supported; " +
			"fetch the list into a file and use @ipMatchFromFile")
	case seclang.OpInspectFile:
		return errors.New("a rule must not start programs: not supported")
	case seclang.OpValidateSchema:
		return errors.New("not supported")
	}
	return errors.New("unknown operator")
}

func readFile(files seclang.Files, dir, name string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("a file is to be named")
	}
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	text, err := files.Read(name)
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", name, err)
	}
	return text, nil
}

// constant matches every value, or none.
type constant bool

func (c constant) Match(string, *[]string) bool { return bool(c) }

// test is an operator that has no argument and captures nothing.
type test func(value string) bool

func (t test) Match(value string, _ *[]string) bool { return t(value) }

// capture appends a text where the caller wants captures.
func capture(captured *[]string, text string) {
	if captured != nil {
		*captured = append(*captured, text)
	}
}
