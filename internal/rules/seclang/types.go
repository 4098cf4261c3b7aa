package seclang

// Position is a place in a file of rules. Line and Column count from 1, Column in bytes; 0 is unknown.
type Position struct {
	File         string
	Line, Column int
}

// Fault is one thing that is wrong with rules.
type Fault struct {
	Position
	Rule   int    // id of the rule that it is about, 0 without
	Text   string // what is wrong
	Hint   string // what to do, "" where Text says it
	Source string // the line that Position names, bounded and printable

	Warning bool // it works, but hardly as it was meant
}

// Files gives the texts that Parse and package compile read (Include, @pmFromFile). Names are as written in rules, joined to the
// folder of the file that names them.
type Files interface {
	Read(name string) ([]byte, error)
	Glob(pattern string) ([]string, error) // names in lexical order; none is no error
}

// Directive is one directive.
type Directive struct {
	Position
	Name   string     // canonical spelling, such as SecRule
	Args   []Argument // of every directive but SecRule and SecAction
	Rule   *Rule      // of SecRule and SecAction
	Gap    Gap        // what faults have left out of it
	Source string     // the text as written, continuation lines joined, bounded to 4 KiB
}

// Argument is one word of a directive, quotes taken off.
type Argument struct {
	Position
	Text string
}

// Rule is a SecRule, or a SecAction, which has no targets and always matches.
type Rule struct {
	Position
	Targets  []Target
	Operator Operator
	Actions  []Action
}

// Target is one variable of a rule's list.
type Target struct {
	Position
	Variable Variable
	Selector string // the key after the colon; of /…/ the expression between the slashes, unescaped; "" for none
	Regexp   bool   // Selector is a regular expression
	Count    bool   // &: how many there are
	Exclude  bool   // !: takes out of the list what the others put in
}

// Operator is the test of a rule.
type Operator struct {
	Position
	ID       OperatorID
	Negated  bool
	Argument string // as written behind the name, quotes unescaped
}

// Action is one element of a rule's list of actions. Value is as written behind the colon, single quotes taken off, for t: the
// name of the transformation, for ctl: option=value.
type Action struct {
	Position
	ID    ActionID
	Value string
}
