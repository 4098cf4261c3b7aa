package seclang

import (
	"sort"
	"strings"
)

// line is one directive as text: the lines that continue one another joined, and where each of them stood.
type line struct {
	file   string
	text   string
	pieces []piece // by offset; at least one
}

// piece says that text from offset on stands in the file from this line and column on.
type piece struct{ offset, line, column int }

// problem is a fault before it knows its file: at is an offset in a line's text.
type problem struct {
	at         int
	text, hint string
}

// newLine makes a line of a text that begins at a place.
func newLine(at Position, text string) *line {
	return &line{file: at.File, text: text, pieces: []piece{{0, at.Line, at.Column}}}
}

// at gives the place of an offset.
func (l *line) at(offset int) Position {
	i := sort.Search(len(l.pieces), func(i int) bool { return l.pieces[i].offset > offset }) - 1
	p := l.pieces[max(i, 0)]
	if p.line == 0 {
		return Position{File: l.file}
	}
	return Position{File: l.file, Line: p.line, Column: p.column + offset - p.offset}
}

// faults gives problems their places; there are no lines to quote.
func (l *line) faults(problems []problem) []Fault {
	var out []Fault
	for _, p := range problems {
		out = append(out, Fault{Position: l.at(p.at), Text: sentence(p.text), Hint: sentence(p.hint), Source: Excerpt(l.text, p.at+1)})
	}
	return out
}

// word is one word of a line: from and to are the bounds of what stands inside the quotes, end is where the next may begin.
type word struct {
	from, to, end int
	quote         byte // 0 for none
	open          bool // the quote is not closed
}

// word reads the word at or after offset; ok is false at the end. Inside quotes a backslash keeps the next byte from ending the word.
func (l *line) word(offset int) (w word, ok bool) {
	for offset < len(l.text) && blank(l.text[offset]) {
		offset++
	}
	if offset == len(l.text) {
		return word{from: offset, to: offset, end: offset}, false
	}
	if c := l.text[offset]; c == '"' || c == '\'' || c == '`' {
		return l.quoted(offset, c), true
	}
	end := offset
	for end < len(l.text) && !blank(l.text[end]) {
		if l.text[end] == '\'' && end > offset && l.text[end-1] == ':' { // a quoted selector may hold blanks
			end = l.quoted(end, '\'').end
			continue
		}
		end++
	}
	return word{from: offset, to: end, end: end}, true
}

// quoted reads the word whose opening quote stands at offset.
func (l *line) quoted(offset int, quote byte) word {
	for i := offset + 1; i < len(l.text); i++ {
		switch {
		case l.text[i] == '\\' && quote != '`':
			i++
		case l.text[i] == quote:
			return word{from: offset + 1, to: i, end: i + 1, quote: quote}
		}
	}
	return word{from: offset + 1, to: len(l.text), end: len(l.text), quote: quote, open: true}
}

// value is what w says: of a quoted word with its escaped quotes as quotes.
func (l *line) value(w word) string {
	s := l.text[w.from:w.to]
	if w.quote == '"' || w.quote == '\'' {
		s = unescape(s, w.quote)
	}
	return s
}

// unescape takes the backslash from before each quote; every other backslash stays.
func unescape(s string, quote byte) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] != quote {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}
