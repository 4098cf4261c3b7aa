package transform

import "strings"

// Words of eight equal bytes, for looking at eight bytes of a value at once.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load returns eight bytes of s from i, the first lowest; i+8 must not be above len(s).
func load(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// hasByte is not zero where a byte of w equals c.
func hasByte(w uint64, c byte) uint64 {
	w ^= ones * uint64(c)
	return (w - ones) &^ w & highs
}

// letters marks with 0x80 each byte of w that is one of the 26 letters from a ('A' or 'a'). No byte of w may be above 0x7f.
func letters(w uint64, a byte) uint64 {
	return ((w + ones*uint64(0x80-int(a))) ^ (w + ones*uint64(0x7f-25-int(a)))) & highs
}

// firstByte returns the index of the first c in s, len(s) where there is none.
func firstByte(s string, c byte) int {
	if i := strings.IndexByte(s, c); i >= 0 {
		return i
	}
	return len(s)
}

// firstOfTwo returns the index of the first c or d in s from i on, len(s) where there is none.
func firstOfTwo(s string, i int, c, d byte) int {
	for ; i+8 <= len(s); i += 8 {
		if w := load(s, i); hasByte(w, c)|hasByte(w, d) != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if s[i] == c || s[i] == d {
			return i
		}
	}
	return len(s)
}

// firstHigh returns the index of the first byte above 0x7f in s from i on, len(s) where there is none.
func firstHigh(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if load(s, i)&highs != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if s[i] >= 0x80 {
			return i
		}
	}
	return len(s)
}

// firstBackslash returns the index of the first backslash among the first n bytes of s, len(s) where there is none.
func firstBackslash(s string, n int) int {
	if n <= 0 {
		return len(s)
	}
	if i := strings.IndexByte(s[:n], '\\'); i >= 0 {
		return i
	}
	return len(s)
}

// notHex is the value in nibbles of a byte that is no hexadecimal digit.
const notHex = 0xff

// nibbles is the value of each hexadecimal digit.
var nibbles = makeNibbles()

func makeNibbles() (t [256]byte) {
	for i := range t {
		c := byte(i)
		switch {
		case c >= '0' && c <= '9':
			t[i] = c - '0'
		case c >= 'a' && c <= 'f':
			t[i] = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			t[i] = c - 'A' + 10
		default:
			t[i] = notHex
		}
	}
	return t
}

// hexPair reads two hexadecimal digits of s at i.
func hexPair(s string, i int) (byte, bool) {
	if i+2 > len(s) {
		return 0, false
	}
	h, l := nibbles[s[i]], nibbles[s[i+1]]
	return h<<4 | l, h|l != notHex
}

// hexQuad reads four hexadecimal digits of s at i.
func hexQuad(s string, i int) (rune, bool) {
	h, ok := hexPair(s, i)
	l, too := hexPair(s, i+2)
	return rune(h)<<8 | rune(l), ok && too
}

// hexRun reads up to limit hexadecimal digits of s at i, and returns how many there are.
func hexRun(s string, i, limit int) (code rune, digits int) {
	for digits < limit && i+digits < len(s) {
		n := nibbles[s[i+digits]]
		if n == notHex {
			break
		}
		code = code<<4 | rune(n)
		digits++
	}
	return code, digits
}

// octalRun reads up to three octal digits of s at i, and returns how many there are.
func octalRun(s string, i int) (code, digits int) {
	for digits < 3 && i+digits < len(s) {
		c := s[i+digits] - '0'
		if c > 7 {
			break
		}
		code = code<<3 | int(c)
		digits++
	}
	return code, digits
}
