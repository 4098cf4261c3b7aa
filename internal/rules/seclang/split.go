package seclang

import "strings"

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\ufeff"

// text reads a file: it cuts it into directives. Blank lines and comments count for nothing wherever they stand, a backslash at the end of
// a line continues it, a back quote at the end of a line opens a block that goes on to a line that begins with one.
func (p *parser) text(name, text string) {
	src := &source{name: name, text: text}
	p.stack = append(p.stack, src)
	defer func() { p.stack = p.stack[:len(p.stack)-1] }()
	if first, ok := foreign(text); ok {
		p.step++
		p.faultAt(nil, Position{File: name, Line: first, Column: 1}, "there are no rules in this file: no line begins with a directive",
			"name files of rules only; what stands here is not shown, for it may be secret")
		p.lose(Position{File: name, Line: first, Column: 1}, "")
		return
	}
	s := splitter{file: name}
	at := 0
	if strings.HasPrefix(text, byteOrderMark) {
		at = len(byteOrderMark)
	}
	for n, start := 1, 0; start < len(text) && !p.toMany; n++ {
		end := len(text)
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			end = start + i
		}
		if l := s.add(text[max(start, at):end], n, 1+max(start, at)-start); l != nil {
			p.directive(l)
		}
		start = end + 1
	}
	if l := s.rest(); l != nil && !p.toMany {
		p.step++
		if s.block {
			p.fault(l, s.opened, "block is not closed", "write a line that begins with a back quote behind it")
		} else {
			p.fault(l, len(l.text), "the file ends where a \\ says that the line goes on", "take the \\ away")
		}
		p.lose(l.at(0), "")
	}
}

// splitter joins lines to directives.
type splitter struct {
	file   string
	joined strings.Builder
	pieces []piece
	block  bool
	opened int // offset of the back quote that opened the block
}

// add takes the line that stands in line n from a column on, and returns the directive that it completes, or nil.
func (s *splitter) add(raw string, n, column int) *line {
	text := strings.TrimSpace(raw)
	if text == "" || text[0] == '#' {
		return nil
	}
	column += strings.Index(raw, text)
	s.pieces = append(s.pieces, piece{s.joined.Len(), n, column})
	last := len(text) - 1
	switch {
	case s.block && text[0] == '`':
		s.block = false
	case s.block:
		s.joined.WriteString(text)
		s.joined.WriteByte('\n')
		return nil
	case text[last] == '`' && strings.Count(text, "`")%2 == 1:
		s.block, s.opened = true, s.joined.Len()+last
		s.joined.WriteString(text)
		s.joined.WriteByte('\n')
		return nil
	}
	if text[last] == '\\' {
		s.joined.WriteString(text[:last])
		return nil
	}
	if s.joined.Len() == 0 {
		l := &line{s.file, text, s.pieces}
		s.pieces = nil
		return l
	}
	s.joined.WriteString(text)
	return s.rest()
}

// rest gives what was joined so far, nil for nothing.
func (s *splitter) rest() *line {
	if len(s.pieces) == 0 {
		return nil
	}
	l := &line{s.file, s.joined.String(), s.pieces}
	s.joined.Reset()
	s.pieces = nil
	return l
}
