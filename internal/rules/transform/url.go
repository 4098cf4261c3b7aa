package transform

import (
	"strconv"
	"unicode/utf8"
)

// firstURL finds the first + or percent escape that decodes.
func firstURL(s string, uni bool) int {
	for i := firstOfTwo(s, 0, '%', '+'); i < len(s); i = firstOfTwo(s, i+1, '%', '+') {
		if s[i] == '+' {
			return i
		}
		if _, ok := hexPair(s, i+1); ok {
			return i
		}
		if _, ok := percentU(s, i); uni && ok {
			return i
		}
	}
	return len(s)
}

// percentU reads the four digits of a %uHHHH of s at i.
func percentU(s string, i int) (rune, bool) {
	if i+6 > len(s) || s[i+1]|0x20 != 'u' {
		return 0, false
	}
	return hexQuad(s, i+2)
}

// decodeURL decodes + and %HH, and where uni is set %uHHHH. What is no valid escape stays.
func decodeURL(a *Arena, s string, i int, uni bool) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		c := s[i]
		i++
		switch c {
		case '+':
			c = ' '
		case '%':
			if b, ok := hexPair(s, i); ok {
				c = b
				i += 2
			} else if uni && i < len(s) && s[i]|0x20 == 'u' {
				if r, ok := percentU(s, i-1); ok {
					c = bestFit(r)
					i += 5
				}
			}
		}
		d[n] = c
		n++
	}
	return a.commit(d, n)
}

// bestFit folds a character to the ASCII character that looks most like it; of one without such it returns the low byte.
func bestFit(r rune) byte {
	if p := fitPages[r>>8&0xff]; p != 0 {
		if b := fits[p-1][r&0xff]; b != 0 {
			return b
		}
	}
	low := byte(r)
	if r>>8 == 0xff && low > 0 && low < 0x5f {
		low += 0x20 // full-width forms; the list has not all of them
	}
	return low
}

// firstUnsafe finds the first byte that urlEncode escapes.
func firstUnsafe(s string) int {
	for i := range len(s) {
		if !plainInURL(s[i]) {
			return i
		}
	}
	return len(s)
}

func plainInURL(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '*'
}

// encodeURL writes a space as + and all but letters, digits and * as %hh.
func encodeURL(a *Arena, s string, i int) string {
	d := a.reserve(i + 3*(len(s)-i))
	n := copy(d, s[:i])
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case plainInURL(c):
			d[n] = c
			n++
		case c == ' ':
			d[n] = '+'
			n++
		default:
			d[n], d[n+1], d[n+2] = '%', digits[c>>4], digits[c&15]
			n += 3
		}
	}
	return a.commit(d, n)
}

// digits are the hexadecimal ones.
const digits = "0123456789abcdef"

// spellRunes writes each character above 0x7f as %uhhhh (more digits above U+FFFF), a byte that is no UTF-8 as %ufffd.
func spellRunes(a *Arena, s string, i int) string {
	grow := 0
	for _, c := range raw(s[i:]) {
		grow += int(c >> 7)
	}
	d := a.reserve(len(s) + 5*grow)[:0]
	d = append(d, s[:i]...)
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			d = append(d, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		d = append(d, '%', 'u')
		if r > 0xffff {
			d = strconv.AppendUint(d, uint64(r), 16)
			continue
		}
		d = append(d, digits[r>>12], digits[r>>8&15], digits[r>>4&15], digits[r&15])
	}
	return a.commit(d, len(d))
}
