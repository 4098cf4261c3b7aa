package seclang

import "strings"

// operator reads the test of a rule: @name argument, with ! before it to turn it round. Without @ it is an expression of @rx. Blanks around
// the argument do not count. Offset is where text begins in the line. With problems the operator is OpAlways, which stands for none.
func operator(l *line, text string, offset int) (Operator, []problem) {
	rest := strings.TrimLeft(text, " \t\n")
	at := offset + len(text) - len(rest)
	op := Operator{Position: l.at(at), ID: OpRx}
	if strings.HasPrefix(rest, "!") {
		op.Negated = true
		rest = strings.TrimLeft(rest[1:], " \t\n")
	}
	if !strings.HasPrefix(rest, "@") {
		op.Argument = strings.Trim(rest, " \t\n")
		return op, nil
	}
	name := rest[1:]
	if i := strings.IndexAny(name, " \t\n"); i >= 0 {
		name = name[:i]
		op.Argument = strings.Trim(rest[1+i:], " \t\n")
	}
	nameAt := offset + len(text) - len(rest)
	id, ok := LookupOperator(name)
	if !ok {
		names := operatorNames()
		hint := didYouMean(name, "@", names[:])
		if name == "" {
			hint = "write the name right behind @; an expression that begins with @ is written @rx @…"
		}
		op.ID = OpAlways // nobody knows which
		return op, []problem{{nameAt, "unknown operator " + quote("@"+name), hint}}
	}
	op.ID = id
	if !id.expands() {
		return op, nil
	}
	_, wrong := macro(op.Argument)
	var problems []problem
	for err := wrong; err != nil; err = err.Next {
		problems = append(problems, problem{offset + strings.LastIndex(text, op.Argument) + err.Offset, err.Text, err.Hint})
	}
	if problems != nil {
		op.ID = OpAlways
	}
	return op, problems
}

// expands reports whether macros in the argument of o are filled for each request.
func (o OperatorID) expands() bool {
	switch o {
	case OpContains, OpContainsWord, OpBeginsWith, OpEndsWith, OpStreq, OpStrmatch, OpWithin, OpEq, OpGe, OpGt, OpLe, OpLt:
		return true
	}
	return false
}
