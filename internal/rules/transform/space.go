package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// latinSpace returns how many bytes of s at i are one white space of Latin-1, 0 where there is none: ASCII white space, U+0085,
// U+00A0, and a byte 0xA0 on its own, which is a no-break space to those who do not read UTF-8.
func latinSpace(s string, i int) int {
	switch c := s[i]; {
	case c < utf8.RuneSelf:
		if classes[c]&(classSpace|classBlank) != 0 {
			return 1
		}
	case c == 0xa0:
		return 1
	case c == 0xc2 && i+1 < len(s) && (s[i+1] == 0x85 || s[i+1] == 0xa0):
		return 2
	}
	return 0
}

// runeLen is how many bytes the character of s at i has. A byte that is no UTF-8 is one.
func runeLen(s string, i int) int {
	if s[i] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeRuneInString(s[i:])
	return size
}

// firstCompressible finds the first white space that is not a single space.
func firstCompressible(s string) int {
	for i := 0; i < len(s); {
		k := classes[s[i]] & (classSpace | classBlank | classHigh)
		if k == 0 {
			i++
			continue
		}
		if k == classSpace {
			if i+1 < len(s) && latinSpace(s, i+1) > 0 {
				return i
			}
			i++
			continue
		}
		if latinSpace(s, i) > 0 {
			return i
		}
		i += runeLen(s, i)
	}
	return len(s)
}

// compressSpaces makes one space of each run of white space.
func compressSpaces(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	inside := false
	for i < len(s) {
		if c := s[i]; classes[c]&(classSpace|classBlank|classHigh) == 0 {
			d[n] = c
			n++
			i++
			inside = false
			continue
		}
		if k := latinSpace(s, i); k > 0 {
			if !inside {
				d[n] = ' '
				n++
			}
			inside = true
			i += k
			continue
		}
		k := runeLen(s, i)
		n += copy(d[n:], s[i:i+k])
		i += k
		inside = false
	}
	return a.commit(d, n)
}

// anySpace returns how many bytes the character of s at i has, and whether it is white space of any script.
// A byte 0xA0 on its own is, other bytes that are no UTF-8 are not.
func anySpace(s string, i int) (size int, space bool) {
	c := s[i]
	if c < utf8.RuneSelf {
		return 1, classes[c]&(classSpace|classBlank) != 0
	}
	if c >= 0xf8 {
		return 1, false
	}
	if c > 0xc2 && (c < 0xe1 || c > 0xe3) {
		return runeLen(s, i), false // all white space begins with one of c2, e1, e2, e3
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	return size, c == 0xa0 || r != utf8.RuneError && unicode.IsSpace(r)
}

// firstSpace finds the first white space.
func firstSpace(s string) int {
	for i := 0; i < len(s); {
		if classes[s[i]]&(classSpace|classBlank|classHigh) == 0 {
			i++
			continue
		}
		size, space := anySpace(s, i)
		if space {
			return i
		}
		i += size
	}
	return len(s)
}

// dropSpaces leaves all white space out.
func dropSpaces(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		if c := s[i]; classes[c]&(classSpace|classBlank|classHigh) == 0 {
			d[n] = c
			n++
			i++
			continue
		}
		size, space := anySpace(s, i)
		if !space {
			n += copy(d[n:], s[i:i+size])
		}
		i += size
	}
	return a.commit(d, n)
}

// dropNulls leaves NUL bytes out.
func dropNulls(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for ; i < len(s); i++ {
		if c := s[i]; c != 0 {
			d[n] = c
			n++
		}
	}
	return a.commit(d, n)
}

// blankNulls makes NUL bytes spaces.
func blankNulls(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	copy(d, s)
	for ; i < len(d); i++ {
		if d[i] == 0 {
			d[i] = ' '
		}
	}
	return a.commit(d, len(d))
}

// blanks is the white space that is trimmed.
const blanks = " \t\n\r\f\v"

// trimmed returns the part of s that is left.
func trimmed(id ID, s string) string {
	if id != trimRight {
		s = strings.TrimLeft(s, blanks)
	}
	if id != trimLeft {
		s = strings.TrimRight(s, blanks)
	}
	return s
}

// firstTrimmed returns 0 where something is trimmed, len(s) where nothing is.
func firstTrimmed(id ID, s string) int {
	if s == "" {
		return 0
	}
	const space = classSpace | classBlank
	if id != trimRight && classes[s[0]]&space != 0 || id != trimLeft && classes[s[len(s)-1]]&space != 0 {
		return 0
	}
	return len(s)
}
