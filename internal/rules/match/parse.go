package match

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parse reads an expression as the engine that rules were written for reads it: dots match newlines and ^ and $ match at lines. Where the
// escapes of an expression spell bytes that are no UTF-8, the expression is about bytes, each one a character, and has no flags.
func parse(expr string) (re *syntax.Regexp, binary bool, err error) {
	if spellsBytes(expr) {
		re, err = syntax.Parse(expr, syntax.Perl)
		return re, true, err
	}
	re, err = syntax.Parse("(?sm)"+expr, syntax.Perl)
	return re, false, err
}

// spellsBytes reports whether expr, with its \xNN and \x{NN} written out, is not valid UTF-8.
func spellsBytes(expr string) bool {
	out := make([]byte, 0, len(expr))
	for i := 0; i < len(expr); i++ {
		if expr[i] != '\\' || i+3 >= len(expr) || expr[i+1] != 'x' {
			if expr[i] == '\\' && i+3 >= len(expr) { // too short for an escape: the rest stands for itself
				out = append(out, expr[i:]...)
				break
			}
			out = append(out, expr[i])
			continue
		}
		digits, last := expr[i+2:i+4], i+3
		if expr[i+2] == '{' && i+6 <= len(expr) {
			if end := strings.IndexByte(expr[i:], '}'); end >= 0 {
				digits, last = expr[i+3:i+end], i+end
			}
		}
		if len(digits) < 2 {
			out = append(out, expr[i])
			continue
		}
		v, err := strconv.ParseUint(digits[:2], 16, 8)
		if err != nil {
			out = append(out, expr[i])
			continue
		}
		out = append(out, byte(v))
		i = last
	}
	return !utf8.Valid(out)
}
