package transform

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// firstCased finds the first letter that folds. from is the first ASCII letter of those that do, up says that upper case is wanted.
func firstCased(s string, from byte, up bool) int {
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			if w := load(s, i); w&highs == 0 && letters(w, from) == 0 {
				i += 8
				continue
			}
		}
		c := s[i]
		if c < utf8.RuneSelf {
			if c-from < 26 {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if foldRune(r, up) != r {
			return i
		}
		i += size
	}
	return len(s)
}

// foldCase changes the case of ASCII letters and, as Coraza does, of all other letters. A byte that is no UTF-8 stays.
func foldCase(a *Arena, s string, i int, up bool) string {
	from := byte('A')
	if up {
		from = 'a'
	}
	d := a.reserve(len(s) + (len(s)-i)/2 + 8) // some letters of two bytes fold to one of three
	n := copy(d, s[:i])
	for i < len(s) {
		if i+8 <= len(s) {
			if w := load(s, i); w&highs == 0 {
				binary.LittleEndian.PutUint64(d[n:], w^letters(w, from)>>2)
				i += 8
				n += 8
				continue
			}
		}
		c := s[i]
		if c < utf8.RuneSelf {
			if c-from < 26 {
				c ^= 0x20
			}
			d[n] = c
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if f := foldRune(r, up); f != r {
			n += utf8.EncodeRune(d[n:n+utf8.UTFMax], f)
		} else {
			n += copy(d[n:], s[i:i+size])
		}
		i += size
	}
	return a.commit(d, n)
}

// smallCased is the end of the letters that tables know: Latin, Greek, Cyrillic.
const smallCased = 0x530

// lowers and uppers are the other case of each letter below smallCased.
var (
	lowers = makeFolds(unicode.ToLower)
	uppers = makeFolds(unicode.ToUpper)
)

func makeFolds(fold func(rune) rune) (t [smallCased]uint16) {
	for i := range t {
		t[i] = uint16(fold(rune(i)))
	}
	return t
}

// foldRune changes the case of one letter above 0x7f.
func foldRune(r rune, up bool) rune {
	if r < smallCased {
		if up {
			return rune(uppers[r])
		}
		return rune(lowers[r])
	}
	if r >= 0x2e80 && r < 0xa640 || r >= 0xac00 && r < 0xd800 || r == utf8.RuneError {
		return r // East Asian scripts have no case, and their texts are long
	}
	if up {
		return unicode.ToUpper(r)
	}
	return unicode.ToLower(r)
}

// firstParity finds the first byte whose highest bit is not what id wants.
func firstParity(id ID, s string) int {
	if id == parityZero7bit {
		return firstHigh(s, 0)
	}
	for i := range len(s) {
		if withParity(id, s[i]) != s[i] {
			return i
		}
	}
	return len(s)
}

// setParity sets the highest bit of each byte to the parity of the other seven, or to zero.
func setParity(a *Arena, id ID, s string, i int) string {
	d := a.reserve(len(s))
	copy(d, s[:i])
	for ; i < len(s); i++ {
		d[i] = withParity(id, s[i])
	}
	return a.commit(d, len(s))
}

func withParity(id ID, c byte) byte {
	c &= 0x7f
	if id == parityZero7bit {
		return c
	}
	odd := c ^ c>>4
	odd ^= odd >> 2
	odd ^= odd >> 1
	if id == parityOdd7bit {
		odd ^= 1
	}
	return c | odd<<7
}
