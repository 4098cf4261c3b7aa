package body

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string behind its opening quote: a view if nothing in it is escaped. A string that is cut is given as far as it goes. Control
// characters and escapes that JSON does not have are errors, but lenient parsers take them: they stay as they are, and reading goes on.
func (s *jsonScan) str() string {
	from, text := s.at, s.text
	i := from
	for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= ' ' {
		i++
	}
	s.at = i
	if i < len(text) && text[i] == '"' {
		s.at++
		return text[from:i]
	}
	if i >= len(text) {
		s.fault("")
		return text[from:]
	}
	return s.escaped(from)
}

// escaped goes on with str from s.at, where the first byte stands that is to be looked at; the string begins at from.
func (s *jsonScan) escaped(from int) string {
	text := s.text
	size := 0 // of the rest of the string at most
	for i := s.at; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
		size = i + 1 - from
	}
	a := &s.r.arena
	a.ensure(size + utf8.UTFMax)
	at := len(a.buf)
	buf := append(a.buf, text[from:s.at]...)
	for s.at < len(text) && text[s.at] != '"' {
		c := text[s.at]
		switch {
		case c == '\\':
			buf = s.escape(buf)
			continue
		case c < ' ':
			s.r.fail(s.at, "read JSON: a control character in a string")
		}
		buf = append(buf, c)
		s.at++
	}
	a.buf = buf
	if s.at >= len(text) {
		s.fault("")
	} else {
		s.at++
	}
	return a.since(at)
}

// escape appends what the escape at s.at stands for.
func (s *jsonScan) escape(buf []byte) []byte {
	if s.at+1 >= len(s.text) {
		s.at = len(s.text)
		return append(buf, '\\')
	}
	c := s.text[s.at+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		s.at += 2
		return append(buf, "\"\\/\b\f\n\r\t"[i])
	}
	if u := hex4(s.text[s.at:]); u >= 0 {
		s.at += 6
		if utf16.IsSurrogate(u) {
			if low := utf16.DecodeRune(u, hex4(s.text[s.at:])); low != utf8.RuneError {
				s.at += 6
				return utf8.AppendRune(buf, low)
			}
			u = utf8.RuneError
		}
		return utf8.AppendRune(buf, u)
	}
	if rest := s.text[s.at+1:]; !s.partial || c != 'u' || len(rest) >= 5 || strings.IndexByte(rest, '"') >= 0 {
		s.r.fail(s.at, "read JSON: an escape that there is not")
	}
	s.at += 2
	return append(buf, '\\', c)
}

// hex4 is the number in an escape \uXXXX at the beginning of s; -1 if there is none.
func hex4(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var n rune
	for _, c := range []byte(s[2:6]) {
		if !isHex(c) {
			return -1
		}
		n = n<<4 | rune(unhex(c))
	}
	return n
}

// word reads a number, true, false or null, which is given as "".
func (s *jsonScan) word() string {
	from := s.at
	i := from
	for i < len(s.text) && strings.IndexByte(" \t\r\n,:]}[{\"", s.text[i]) < 0 {
		i++
	}
	word := s.text[from:i]
	s.at = i
	switch word {
	case "null":
		return ""
	case "true", "false":
		return word
	}
	if !isNumber(word) && (!s.partial || i < len(s.text)) {
		s.at = from
		s.stop = true
		s.r.fail(from, "read JSON: a value that is none")
	}
	return word
}

// isNumber reports whether s is a number of JSON.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

// digits counts the digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
