package seclang

import (
	"strings"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/spelling"
)

// SyntaxError is what is wrong with one value: the part of a rule that ParseCtl, ParseSetvar, ParseMacro and ParseIDs read. Of several faults it is
// the first.
type SyntaxError struct {
	Offset int    // of the word that is wrong, in bytes from the begin of the value
	Text   string // what is wrong
	Hint   string // what to do, "" where Text says it

	Next *SyntaxError // what else is wrong with the value, nil for nothing
}

// also returns e with o behind it. Both may be nil.
func (e *SyntaxError) also(o *SyntaxError) *SyntaxError {
	if e == nil {
		return o
	}
	last := e
	for last.Next != nil {
		last = last.Next
	}
	last.Next = o
	return e
}

// shifted returns e, which may be nil, as a fault of a value that begins n bytes earlier.
func (e *SyntaxError) shifted(n int) *SyntaxError {
	for one := e; one != nil; one = one.Next {
		one.Offset += n
	}
	return e
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + ": " + e.Hint
}

// sourceWidth is how much of a line a fault shows, in bytes.
const sourceWidth = 160

// Excerpt makes line printable and bounded; of a long one it keeps what stands around column, which counts from 1 in bytes.
func Excerpt(line string, column int) string {
	line = strings.TrimRight(line, " \t\r\n")
	if len(line) > sourceWidth {
		from := min(max(column-sourceWidth/2, 0), len(line)-sourceWidth)
		cut := line[from : from+sourceWidth]
		if from > 0 {
			cut = "…" + cut
		}
		if from+sourceWidth < len(line) {
			cut += "…"
		}
		line = cut
	}
	return printable(line)
}

// printable replaces what a terminal might obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\ufeff': // a byte order mark
			return -1
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError:
			return '.'
		}
		return r
	}, s)
}

// sentence bounds and cleans what holds words of the rules.
func sentence(s string) string {
	const most = 400
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return printable(s)
}

// quote puts a word of the rules into a sentence.
func quote(word string) string {
	const most = 60
	if len(word) > most {
		word = strings.ToValidUTF8(word[:most], "") + "…"
	}
	return `"` + printable(word) + `"`
}

// didYouMean is the hint that names the nearest of words.
func didYouMean(word, prefix string, words []string) string {
	if near := spelling.Nearest(word, words); near != "" {
		return "did you mean " + prefix + near + "?"
	}
	return ""
}
