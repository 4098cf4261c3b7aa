package body

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// element reads a start tag.
func (s *xmlScan) element() {
	at := s.at
	s.at++
	name := s.name()
	if name == "" {
		if s.at < len(s.text) || !s.partial {
			s.r.fail(at, "read XML: \"<\" begins no mark")
		}
		s.content()
		return
	}
	if len(s.r.names) == 0 && s.root {
		s.r.fail(at, "read XML: a second root element")
	}
	s.root = true
	for !s.stop {
		s.r.steps++
		from := s.at
		s.space()
		if s.at >= len(s.text) {
			if !s.partial {
				s.r.fail(at, "read XML: a tag does not end")
			}
			break
		}
		switch rest := s.text[s.at:]; {
		case rest[0] == '>':
			s.at++
			s.open(name, at)
			return
		case strings.HasPrefix(rest, "/>"):
			s.at += 2
			return
		case rest[0] == '<': // a lenient parser begins anew
			s.r.fail(s.at, "read XML: \"<\" in a tag")
			s.open(name, at)
			return
		}
		if from == s.at {
			s.r.fail(s.at, "read XML: space before an attribute is missing")
		}
		s.attribute()
	}
}

// open takes an element as the innermost one.
func (s *xmlScan) open(name string, at int) {
	if len(s.r.names) >= s.limits.Depth {
		s.r.tooDeep(at, s.limits.Depth, "XML")
		s.stop = true
		return
	}
	s.r.names = append(s.r.names, name)
}

// closing reads an end tag.
func (s *xmlScan) closing() {
	at := s.at
	s.at += 2
	name := s.name()
	s.space()
	if s.at < len(s.text) && s.text[s.at] == '>' {
		s.at++
	} else {
		if s.at < len(s.text) || !s.partial {
			s.r.fail(s.at, "read XML: an end tag does not end")
		}
		if s.at >= len(s.text) {
			return
		}
	}
	n := len(s.r.names)
	if n == 0 || s.r.names[n-1] != name {
		s.r.fail(at, "read XML: </%.40s> closes nothing", name)
	}
	if n > 0 {
		s.r.names = s.r.names[:n-1]
	}
}

// attribute reads a name and a value. Values without quotes, and names without a value, are errors that lenient parsers take.
func (s *xmlScan) attribute() {
	at := s.at
	name := s.name()
	if name == "" {
		s.at++
		s.r.fail(at, "read XML: an attribute without a name")
	}
	s.space()
	if s.at >= len(s.text) || s.text[s.at] != '=' {
		if name != "" && (s.at < len(s.text) || !s.partial) {
			s.r.fail(at, "read XML: an attribute without a value")
			s.value(name)
		}
		return
	}
	s.at++
	s.space()
	if s.at >= len(s.text) {
		return
	}
	from, quote := s.at+1, s.text[s.at]
	var end int
	if quote != '"' && quote != '\'' {
		s.r.fail(s.at, "read XML: an attribute's value without quotes")
		from--
		if end = strings.IndexAny(s.text[from:], " \t\r\n>"); end >= 0 {
			s.at = from + end
		}
	} else if end = strings.IndexByte(s.text[from:], quote); end >= 0 {
		s.at = from + end + 1
	}
	if end < 0 {
		if !s.partial {
			s.r.fail(at, "read XML: an attribute's value does not end")
		}
		end = len(s.text) - from
		s.at = len(s.text)
	}
	raw := s.text[from : from+end]
	if strings.IndexByte(raw, '<') >= 0 {
		s.r.fail(from, "read XML: \"<\" in an attribute")
	}
	s.value(s.decode(raw, from))
}

func (s *xmlScan) value(text string) {
	if s.count() {
		s.r.Attributes = append(s.r.Attributes, text)
	}
}

// name reads a name, which ends where one of the bytes stands that end any.
func (s *xmlScan) name() string {
	from := s.at
	for s.at < len(s.text) {
		c := s.text[s.at]
		if c <= ' ' || c == '>' || c == '/' || c == '=' || c == '<' || c == '"' || c == '\'' || c == '&' {
			break
		}
		s.at++
	}
	return s.text[from:s.at]
}

func (s *xmlScan) space() {
	for s.at < len(s.text) && s.text[s.at] <= ' ' {
		s.at++
	}
}

// newlines gives text with its line ends as a parser hands them on: a carriage return, with or without a line feed, is a line feed.
func (s *xmlScan) newlines(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	return s.replace(text, 0, false)
}

// decode undoes entities and line ends of text, which begins at byte at.
func (s *xmlScan) decode(text string, at int) string {
	if strings.IndexByte(text, '&') < 0 {
		return s.newlines(text)
	}
	return s.replace(text, at, true)
}

func (s *xmlScan) replace(text string, at int, entities bool) string {
	a := &s.r.arena
	a.ensure(len(text))
	start := len(a.buf)
	buf := a.buf
	for i := 0; i < len(text); {
		c := text[i]
		i++
		switch {
		case c == '\r':
			if i < len(text) && text[i] == '\n' {
				i++
			}
			buf = append(buf, '\n')
		case c == '&' && entities:
			if r, n := entity(text[i:]); n > 0 {
				buf = utf8.AppendRune(buf, r)
				i += n
				continue
			}
			if !s.partial || at+len(text) < len(s.text) {
				s.r.fail(at+i-1, "read XML: \"&\" begins no entity that is known")
			}
			buf = append(buf, c)
		default:
			buf = append(buf, c)
		}
	}
	a.buf = buf
	return a.since(start)
}

// maxEntity is how long an entity may be, leading zeros of a number included.
const maxEntity = 64

// entity reads an entity behind its "&": the five that XML knows, or a number. n is how many bytes it takes, 0 for none.
func entity(s string) (r rune, n int) {
	end := strings.IndexByte(s[:min(len(s), maxEntity)], ';')
	if end < 0 {
		return 0, 0
	}
	switch name := s[:end]; name {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	default:
		digits, ok := strings.CutPrefix(name, "#")
		base := 10
		if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
			digits, base = hex, 16
		}
		v, err := strconv.ParseUint(digits, base, 32)
		if !ok || err != nil || v > utf8.MaxRune {
			return 0, 0
		}
		return rune(v), end + 1
	}
}
