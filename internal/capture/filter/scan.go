package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// token is a word or a sign of an expression.
type token struct {
	text   string
	column int // in characters, from 1
}

// scan cuts an expression into tokens. The last one is empty and stands behind the end.
func scan(expr string) ([]token, error) {
	if len(expr) > MaxLength {
		return nil, &Error{Text: fmt.Sprintf("%d bytes are too many, at most %d", len(expr), MaxLength)}
	}
	var out []token
	column := 1
	for len(expr) > 0 {
		n := 1
		switch c := expr[0]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			expr, column = expr[1:], column+1
			continue
		case strings.HasPrefix(expr, "&&") || strings.HasPrefix(expr, "||"):
			n = 2
		case c == '!' && !strings.HasPrefix(expr, "!=") || c == '(' || c == ')' || c == '/':
		case wordByte(c):
			for n < len(expr) && wordByte(expr[n]) {
				n++
			}
		case strings.ContainsRune("[]=<>&|+*%^!", rune(c)):
			return nil, &Error{column, fmt.Sprintf("%q: arithmetic and bytes by their place (tcp[13] & 2 != 0) are not supported; use host, net, port, portrange, proto, less, greater", c)}
		default:
			r, _ := utf8.DecodeRuneInString(expr)
			return nil, &Error{column, fmt.Sprintf("%q means nothing here", r)}
		}
		out = append(out, token{expr[:n], column})
		expr, column = expr[n:], column+n
	}
	return append(out, token{"", column}), nil
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == ':' || c == '-' || c == '_' || c == '\\'
}
