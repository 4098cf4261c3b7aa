package cli

import (
	"strings"
	"unicode"
)

// printable is text that cannot steer a terminal: file names come from anywhere. What turns or hides text goes, too.
func printable(text string) string { return keep(text, "") }

// printableLines is printable text of several lines, such as that of an error.
func printableLines(text string) string { return keep(text, "\n\t") }

func keep(text, more string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar || strings.ContainsRune(more, r) {
			return r
		}
		return '?'
	}, text)
}
