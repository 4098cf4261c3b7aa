package seclang

import "strings"

// foreign reports whether text is no rules at all, and where its first line that says something stands: no line of it begins with a word that
// directives begin with. An Include may name any file that can be read, such as one of passwords; then what stands in it must not come out
// in faults, which go to terminals and logs.
func foreign(text string) (first int, ok bool) {
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, byteOrderMark)) {
		n++
		line = strings.TrimLeft(line, " \t\r\n\v\f")
		switch {
		case line == "" || line[0] == '#':
		case begins(line, "sec") || begins(line, "include"):
			return 0, false
		case first == 0:
			first = n
		}
	}
	return first, first > 0
}

// begins reports whether line begins with word, which is in lower case.
func begins(line, word string) bool {
	return len(line) >= len(word) && strings.EqualFold(line[:len(word)], word)
}
