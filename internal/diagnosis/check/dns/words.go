package dns

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostShown is how many addresses a sentence names.
const mostShown = 4

// addresses are those of an answer in short.
func addresses(l *lookup) string {
	if n := len(l.d.Addresses); n > mostShown {
		return strings.Join(l.d.Addresses[:mostShown], ", ") + ", …"
	}
	return strings.Join(l.d.Addresses, ", ")
}

// sentence begins s with a capital letter.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
