package body

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// selections reads a selection set.
func (s *gqlScan) selections(depth int) {
	if s.stop || s.deep(depth) {
		return
	}
	if !s.take('{') {
		s.fault("\"{\" is missing")
		return
	}
	s.r.GraphQL.Depth = max(s.r.GraphQL.Depth, depth)
	for !s.stop && !s.take('}') {
		before := len(s.r.key)
		s.selection(depth)
		s.pop(before)
	}
}

// selection reads a field, or a fragment where it is spread.
func (s *gqlScan) selection(depth int) {
	s.space()
	if strings.HasPrefix(s.text[s.at:], "...") {
		s.at += 3
		if c := s.peek(); c != '{' && c != '@' {
			if name := s.name(); name == "on" {
				s.push("...", s.name())
			} else { // the set is that of the fragment
				s.push("...", name)
				s.directives()
				s.emit("")
				return
			}
		}
		s.directives()
		s.selections(depth + 1)
		return
	}
	alias, name := "", s.name()
	if s.take(':') {
		alias, name = name, s.name()
		s.r.GraphQL.Aliases++
	}
	if s.stop && name == "" {
		return
	}
	s.r.GraphQL.Fields++
	s.push("", name)
	s.emit(alias)
	s.arguments()
	s.directives()
	if !s.stop && s.peek() == '{' {
		s.selections(depth + 1)
	}
}

// arguments reads what stands in parentheses.
func (s *gqlScan) arguments() {
	if !s.take('(') {
		return
	}
	for !s.stop && !s.take(')') {
		s.argument(1)
	}
}

// argument reads a name and a value.
func (s *gqlScan) argument(depth int) {
	before := s.push("", s.name())
	if s.take(':') {
		s.value(depth)
	} else {
		s.fault("a colon is missing")
	}
	s.pop(before)
}

// directives reads any number of them.
func (s *gqlScan) directives() {
	for s.take('@') {
		s.r.GraphQL.Directives++
		before := s.push("@", s.name())
		if s.stop || s.peek() != '(' {
			s.emit("")
		}
		s.arguments()
		s.pop(before)
	}
}

// value reads a value: of lists and objects each that they hold.
func (s *gqlScan) value(depth int) {
	if s.stop || s.deep(depth) {
		return
	}
	switch c := s.peek(); c {
	case '"':
		s.emit(s.str())
	case '[':
		s.at++
		count := 0
		for !s.stop && !s.take(']') {
			before := len(s.r.key)
			s.r.key = strconv.AppendInt(append(s.r.key, '.'), int64(count), 10)
			s.value(depth + 1)
			s.pop(before)
			count++
		}
		if count == 0 {
			s.emit("")
		}
	case '{':
		s.at++
		if s.peek() == '}' {
			s.emit("")
		}
		for !s.stop && !s.take('}') {
			s.argument(depth + 1)
		}
	default:
		s.word()
	}
}

// word reads a number, a variable, true, false, null or a word of an enumeration, as it stands.
func (s *gqlScan) word() {
	from := s.at
	if s.at < len(s.text) && s.text[s.at] == '$' {
		s.at++
		s.name()
	} else {
		for s.at < len(s.text) && (isAlphaNumeric(s.text[s.at]) || strings.IndexByte("_-+.", s.text[s.at]) >= 0) {
			s.at++
		}
	}
	if s.at == from {
		s.fault("a value is missing")
		return
	}
	s.emit(s.text[from:s.at])
}

// str reads a string or a block string: a view if nothing in it is escaped. The indentation of a block stays.
func (s *gqlScan) str() string {
	if strings.HasPrefix(s.text[s.at:], `"""`) {
		return s.block()
	}
	s.at++
	from := s.at
	i := from
	for i < len(s.text) && s.text[i] != '"' && s.text[i] != '\\' && s.text[i] != '\n' && s.text[i] != '\r' {
		i++
	}
	s.at = i
	if i < len(s.text) && s.text[i] == '"' {
		s.at++
		return s.text[from:i]
	}
	if i >= len(s.text) || s.text[i] != '\\' {
		s.fault("a string does not end on its line")
		return s.text[from:i]
	}
	j := jsonScan{r: s.r, text: s.text, at: i, partial: s.partial, dry: true}
	j.r = &Result{arena: s.r.arena}
	text := j.graphQLEscaped(from)
	s.r.arena = j.r.arena
	s.at = j.at
	if j.r.Error != "" || j.stop {
		s.fault("a string that is not ended or escaped as it should be")
	}
	return text
}

// graphQLEscaped is escaped with \u{…}.
func (s *jsonScan) graphQLEscaped(from int) string {
	end := s.at
	for end < len(s.text) && s.text[end] != '"' && s.text[end] != '\n' {
		if s.text[end] == '\\' {
			end++
		}
		end++
	}
	a := &s.r.arena
	a.ensure(end - from + 2*utf8.UTFMax)
	at := len(a.buf)
	buf := append(a.buf, s.text[from:s.at]...)
	for s.at < len(s.text) && s.text[s.at] != '"' && s.text[s.at] != '\n' {
		if s.text[s.at] != '\\' {
			buf = append(buf, s.text[s.at])
			s.at++
			continue
		}
		if u, n := bracedEscape(s.text[s.at:]); n > 0 {
			buf = utf8.AppendRune(buf, u)
			s.at += n
			continue
		}
		buf = s.escape(buf)
	}
	a.buf = buf
	if s.at >= len(s.text) || s.text[s.at] != '"' {
		s.stop = true
	} else {
		s.at++
	}
	return a.since(at)
}

// bracedEscape reads \u{X…}; n is its length, 0 if there is none.
func bracedEscape(s string) (u rune, n int) {
	if !strings.HasPrefix(s, `\u{`) {
		return 0, 0
	}
	end := strings.IndexByte(s[:min(len(s), 32)], '}')
	if end < 0 {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[3:end], 16, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, 0
	}
	return rune(v), end + 1
}

// block reads a block string, in which only its end can be escaped.
func (s *gqlScan) block() string {
	s.at += 3
	from := s.at
	for {
		i := strings.Index(s.text[s.at:], `"""`)
		if i < 0 {
			s.at = len(s.text)
			s.fault("")
			break
		}
		s.at += i + 3
		if i == 0 || s.text[s.at-4] != '\\' {
			break
		}
	}
	text := strings.TrimSuffix(s.text[from:s.at], `"""`)
	if strings.Contains(text, `\"""`) {
		text = strings.ReplaceAll(text, `\"""`, `"""`)
	}
	return text
}
