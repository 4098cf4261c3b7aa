package httpwire

import "encoding/binary"

// Byte classes, one bit each.
const (
	classToken  uint8 = 1 << iota // tchar, RFC 9110 section 5.6.2
	classValue                    // field-content: HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5)
	classTarget                   // what a request-target may hold: visible ASCII but "#" (RFC 9112 section 3.2)
	classHost                     // letters, digits, "-", ".", "_": what names of hosts are made of
	classDigit
	classHex
)

// class maps every byte to its classes. It is never written after the program started.
var class = makeClasses()

func makeClasses() (t [256]uint8) {
	add := func(mask uint8, chars string) {
		for i := 0; i < len(chars); i++ {
			t[chars[i]] |= mask
		}
	}
	const digits, upper, lower = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
	add(classToken, "!#$%&'*+-.^_`|~"+digits+upper+lower)
	add(classHost, "-._"+digits+upper+lower)
	add(classDigit, digits)
	add(classHex, digits+"abcdefABCDEF")
	add(classValue, "\t ")
	for c := 0x21; c < 0x7f; c++ {
		t[c] |= classValue | classTarget
	}
	for c := 0x80; c < 0x100; c++ {
		t[c] |= classValue
	}
	t['#'] &^= classTarget
	return t
}

// all reports whether every byte of s is in one of the classes of mask; true for an empty s.
func all[T ~string | ~[]byte](s T, mask uint8) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&mask == 0 {
			return false
		}
	}
	return true
}

// IsToken reports whether s is a token of RFC 9110 section 5.6.2: a method, a field name, a protocol. An empty s is none.
func IsToken(s string) bool { return s != "" && all(s, classToken) }

// ValidFieldValue reports whether s may stand as a field value (RFC 9110 section 5.5): no CR, LF, NUL or other control
// character but HTAB. Bytes from 0x80 on are obs-text and allowed. Surrounding whitespace is not looked at.
func ValidFieldValue(s string) bool { return all(s, classValue) }

const (
	swarOnes = 0x0101010101010101
	swarHigh = 0x8080808080808080
)

// validValue is ValidFieldValue for bytes, eight at a time. A word that may hold a control character (HTAB is one) is
// looked at byte by byte.
func validValue(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		del := x ^ 0x7f*swarOnes
		if ((x-0x20*swarOnes)&^x|(del-swarOnes)&^del)&swarHigh != 0 && !all(b[:8], classValue) {
			return false
		}
		b = b[8:]
	}
	return all(b, classValue)
}

// validTarget reports whether every byte of b may stand in a request-target, eight at a time.
func validTarget(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		del, hash := x^0x7f*swarOnes, x^'#'*swarOnes
		if (x|(x-0x21*swarOnes)&^x|(del-swarOnes)&^del|(hash-swarOnes)&^hash)&swarHigh != 0 {
			return all(b, classTarget)
		}
		b = b[8:]
	}
	return all(b, classTarget)
}
