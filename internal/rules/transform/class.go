package transform

// Class is a set of kinds of bytes.
type Class uint32

// The kinds of bytes: each byte is of one of them, and of classAlways.
const (
	// ClassUpper is A to Z: a transformation whose only touched kind in a value is this changes but the case of ASCII letters.
	ClassUpper Class = 1 << iota

	classLower
	classPercent
	classPlus
	classAmpersand
	classBackslash
	classSlash
	classDot
	classQuote // ' and "
	classStar
	classHash
	classDash
	classColon
	classCaret
	classComma // and semicolon
	classSpace // 0x20
	classBlank // other white space: \t \n \v \f \r
	classNull
	classControl // other than white space and NUL; DEL
	classHigh    // 0x80 and above

	// classAlways is in the class of every value, the empty one too: what touches it has no fixed points to be told by kinds.
	classAlways Class = 1 << 31
)

// classOf is the literal rule that classes is made by.
func classOf(b byte) Class {
	switch {
	case b >= 'A' && b <= 'Z':
		return ClassUpper
	case b >= 'a' && b <= 'z':
		return classLower
	case b >= 0x80:
		return classHigh
	case b >= '\t' && b <= '\r':
		return classBlank
	}
	switch b {
	case '%':
		return classPercent
	case '+':
		return classPlus
	case '&':
		return classAmpersand
	case '\\':
		return classBackslash
	case '/':
		return classSlash
	case '.':
		return classDot
	case '\'', '"':
		return classQuote
	case '*':
		return classStar
	case '#':
		return classHash
	case '-':
		return classDash
	case ':':
		return classColon
	case '^':
		return classCaret
	case ',', ';':
		return classComma
	case ' ':
		return classSpace
	case 0:
		return classNull
	}
	if b < ' ' || b == 0x7f {
		return classControl
	}
	return 0
}

// classes is the kinds of each byte, without classAlways.
var classes = makeClasses()

func makeClasses() (t [256]Class) {
	for i := range t {
		t[i] = classOf(byte(i))
	}
	return t
}

// ClassOf returns the kinds of byte b.
func ClassOf(b byte) Class { return classes[b] | classAlways }

// Classify returns the kinds of all bytes of s.
func Classify(s string) Class {
	c, d := classAlways, Class(0)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		c |= classes[b[0]] | classes[b[1]] | classes[b[2]] | classes[b[3]]
		d |= classes[b[4]] | classes[b[5]] | classes[b[6]] | classes[b[7]]
	}
	for ; i < len(s); i++ {
		c |= classes[s[i]]
	}
	return c | d
}

// Touches returns the kinds of bytes without which id leaves a value as it is: a value v with Classify(v)&Touches(id) == 0 is a
// fixed point. All bits set where there is no such kind (length, md5, hexEncode …).
func Touches(id ID) Class {
	switch id {
	case 0:
		return 0
	case cmdLine:
		return ClassUpper | classQuote | classBackslash | classCaret | classComma | classSpace | classBlank
	case compressWhitespace, removeWhitespace:
		return classSpace | classBlank | classHigh
	case cssDecode, escapeSeqDecode, jsDecode:
		return classBackslash
	case htmlEntityDecode:
		return classAmpersand
	case lowercase:
		return ClassUpper | classHigh
	case uppercase:
		return classLower | classHigh
	case normalizePath:
		return classSlash | classDot
	case normalizePathWin:
		return classSlash | classDot | classBackslash | classColon | classSpace
	case parityZero7bit, utf8toUnicode:
		return classHigh
	case removeComments, removeCommentsChar:
		return classStar | classDash | classHash // every mark of a comment has one of them
	case replaceComments:
		return classStar
	case removeNulls, replaceNulls:
		return classNull
	case sqlHexDecode:
		return ClassUpper | classLower // the x of 0x
	case trim, trimLeft, trimRight:
		return classSpace | classBlank
	case urlDecode, urlDecodeUni:
		return classPercent | classPlus
	}
	return ^Class(0)
}
