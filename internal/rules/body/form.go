package body

import "strings"

// form reads a body of application/x-www-form-urlencoded.
func (r *Result) form(text string, partial bool, l Limits) {
	invalid, end := r.InvalidEscape, len(text)
	for at := max(0, len(text)-2); partial && at < len(text); at++ {
		if text[at] == '%' && (at+1 == len(text) || isHex(text[at+1])) {
			end = at // the cut went through an escape: it is none that is wrong
		}
	}
	var tooMany bool
	r.Args, tooMany = r.Query(r.Args, text, l.Separator, l.Values)
	r.TooMany = r.TooMany || tooMany
	if end < len(text) {
		r.InvalidEscape = invalid || hasInvalidEscape(text[:end])
	}
}

// hasInvalidEscape reports whether a % in s has no two hexadecimal digits behind it.
func hasInvalidEscape(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0; {
		if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return true
		}
		s = s[i+3:]
		i = strings.IndexByte(s, '%')
	}
	return false
}

// Query reads a query string or a form (application/x-www-form-urlencoded) into dst until that holds limit fields (0: without bound), which tooMany
// says. "+" is a space and %XX a byte; a % without two hexadecimal digits stays as it is, and sets InvalidEscape. Pairs without a single byte are
// left out, those without a name or a value are not. What needs no decoding is a view of text.
func (r *Result) Query(dst []Field, text string, separator byte, limit int) (fields []Field, tooMany bool) {
	for text != "" {
		pair := text
		if i := strings.IndexByte(text, separator); i >= 0 {
			pair, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		if pair == "" {
			continue
		}
		if limit > 0 && len(dst) >= limit {
			return dst, true
		}
		name, value := pair, ""
		if i := strings.IndexByte(pair, '='); i >= 0 {
			name, value = pair[:i], pair[i+1:]
		}
		dst = append(dst, Field{r.unescape(name), r.unescape(value)})
	}
	return dst, false
}

// unescape undoes the encoding of a form.
func (r *Result) unescape(s string) string {
	i := 0
	for i < len(s) && s[i] != '%' && s[i] != '+' {
		i++
	}
	if i == len(s) {
		return s
	}
	r.arena.ensure(len(s))
	at := len(r.arena.buf)
	buf := append(r.arena.buf, s[:i]...)
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		case c == '%':
			r.InvalidEscape = true
		}
		buf = append(buf, c)
	}
	r.arena.buf = buf
	return r.arena.since(at)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// Cookies reads a Cookie field into dst until that holds limit fields (0: without bound), which tooMany says. Pairs are split at ";", a name and its
// value at the first "="; controls and spaces around them are cut off, nothing is decoded. A pair without a name is kept, one with neither is not.
func (r *Result) Cookies(dst []Field, text string, limit int) (fields []Field, tooMany bool) {
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, ";")
		name, value, _ := strings.Cut(pair, "=")
		name, value = trimControls(name), trimControls(value)
		if name == "" && value == "" {
			continue
		}
		if limit > 0 && len(dst) >= limit {
			return dst, true
		}
		dst = append(dst, Field{name, value})
	}
	return dst, false
}

// trimControls cuts control characters and spaces off both ends of s.
func trimControls(s string) string {
	for s != "" && (s[0] <= ' ' || s[0] == 0x7f) {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] <= ' ' || s[len(s)-1] == 0x7f) {
		s = s[:len(s)-1]
	}
	return s
}
