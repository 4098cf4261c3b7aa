package compile

import (
	"errors"
	"regexp/syntax"
	"strings"
)

// unreadable notes that the expression of d's operator cannot be compiled, and what to write instead.
func (b *builder) unreadable(d *draft, err error) {
	b.source, b.rule = d.source, d.id
	var e *syntax.Error
	if !errors.As(err, &e) {
		b.fault(d.operator.Position, "", "@%s: %v", d.operator.ID, err)
		return
	}
	what, hint := missing(d.operator.Argument, e)
	if what != "" {
		b.fault(d.operator.Position, hint, "@rx does not compile: %s", what)
		return
	}
	// The flags that every expression is given stand before some: nobody wrote them.
	b.fault(d.operator.Position, hint, "@rx does not compile: %s: %s", e.Code, clip(strings.TrimPrefix(e.Expr, "(?sm)")))
}

// missing names what other engines have and RE2 has not, where that is what is wrong with an expression.
func missing(expr string, e *syntax.Error) (what, hint string) {
	switch e.Code {
	case syntax.ErrInvalidNamedCapture, syntax.ErrMissingRepeatArgument, syntax.ErrInvalidPerlOp:
		for _, open := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
			if strings.HasPrefix(e.Expr, open) || e.Expr == "(?<" && strings.Contains(expr, open) {
				return "there is no look-around " + open + "…)", "write two rules in a chain, one of them with !@rx for what must not be there"
			}
		}
		if strings.HasPrefix(e.Expr, "(?>") {
			return "there are no atomic groups (?>…)", "write (?:…): time does not grow faster than the value, whatever the pattern"
		}
	case syntax.ErrInvalidEscape:
		if len(e.Expr) > 1 && (e.Expr[1] >= '1' && e.Expr[1] <= '9' || e.Expr[1] == 'k' || e.Expr[1] == 'g') {
			return "there are no back references such as " + clip(e.Expr),
				"use capture, and in the next rule of a chain @streq, @contains or @beginsWith with %{TX.1}"
		}
	case syntax.ErrInvalidRepeatOp:
		if strings.HasSuffix(e.Expr, "+") {
			return "there is no possessive repetition " + clip(e.Expr), "leave the last + out: time does not grow faster than the value, whatever the pattern"
		}
	case syntax.ErrInvalidRepeatSize:
		return "", "a repetition goes up to 1000"
	}
	return "", ""
}
