package transform

import "unicode/utf8"

// control returns what a backslash and c mean in C and in JavaScript; c itself where they mean nothing else.
func control(c byte) byte {
	switch c {
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return c
}

// decodeEscapes decodes the escapes of ANSI C: \n, \xHH, \OOO. Of any other the backslash goes. One at the end stays.
func decodeEscapes(a *Arena, s string, i int) string { return unescape(a, s, i, escapeC) }

// unescape decodes the escapes of s, of which the first stands at i, by escape.
func unescape(a *Arena, s string, i int, escape func(s string, i int) (c byte, size int)) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		c, size := s[i], 1
		if c == '\\' && i+1 < len(s) {
			c, size = escape(s, i)
		}
		d[n] = c
		n++
		i += size
	}
	return a.commit(d, n)
}

// escapeC reads one escape of s at i, where more follows.
func escapeC(s string, i int) (c byte, size int) {
	c = s[i+1]
	if c|0x20 == 'x' {
		if b, ok := hexPair(s, i+2); ok {
			return b, 4
		}
	}
	if code, k := octalRun(s, i+1); k > 0 {
		return byte(code), 1 + k // above 0377 the low byte counts
	}
	return control(c), 2
}

// decodeJS decodes the escapes of JavaScript: \uHHHH and \u{H…} (the low byte; full-width forms become ASCII), \xHH, \OOO, \n.
// Of any other the backslash goes. One at the end stays.
func decodeJS(a *Arena, s string, i int) string { return unescape(a, s, i, escapeJS) }

// escapeJS reads one escape of s at i, where more follows.
func escapeJS(s string, i int) (c byte, size int) {
	c = s[i+1]
	switch c {
	case 'u':
		if code, size, ok := unicodeJS(s, i+2); ok {
			return code, 2 + size
		}
	case 'x':
		if b, ok := hexPair(s, i+2); ok {
			return b, 4
		}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		code, k := octalRun(s, i+1)
		if code > 0xff { // only \000 to \377 have three digits
			code, k = code>>3, 2
		}
		return byte(code), 1 + k
	}
	return control(c), 2
}

// unicodeJS reads what follows \u: four digits, or one to six in braces.
func unicodeJS(s string, i int) (c byte, size int, ok bool) {
	if i < len(s) && s[i] == '{' {
		code, k := hexRun(s, i+1, 6)
		if k == 0 || i+1+k >= len(s) || s[i+1+k] != '}' {
			return 0, 0, false
		}
		c = byte(code)
		if code >= 0xff01 && code <= 0xff5e {
			c += 0x20
		}
		return c, k + 2, true
	}
	code, ok := hexQuad(s, i)
	c = byte(code)
	if code>>8 == 0xff && c > 0 && c < 0x5f {
		c += 0x20
	}
	return c, 4, ok
}

// decodeCSS decodes the escapes of CSS: one to six digits are a character (full-width forms become ASCII), and take one white
// space after them; a newline goes with its backslash; of any other, and at the end, the backslash goes.
func decodeCSS(a *Arena, s string, i int) string {
	d := a.reserve(len(s) + (len(s)-i)/2 + utf8.UTFMax) // \0 has two bytes, what it stands for three
	n := copy(d, s[:i])
	for i < len(s) {
		c := s[i]
		i++
		if c != '\\' {
			d[n] = c
			n++
			continue
		}
		if i == len(s) {
			break
		}
		if code, k := hexRun(s, i, 6); k > 0 {
			n += utf8.EncodeRune(d[n:n+utf8.UTFMax], cssRune(code))
			i += k
			if i < len(s) && classes[s[i]]&(classSpace|classBlank) != 0 {
				i++
			}
			continue
		}
		if s[i] != '\n' {
			d[n] = s[i]
			n++
		}
		i++
	}
	return a.commit(d, n)
}

// cssRune returns the character that an escape with this number stands for.
func cssRune(code rune) rune {
	switch {
	case code == 0:
		return utf8.RuneError
	case code >= 0xff01 && code <= 0xff5e:
		return code - 0xfee0
	}
	return code // EncodeRune makes U+FFFD of what is no character
}
