package transform

// Apply returns s transformed by id, and whether that differs from s.
func Apply(a *Arena, id ID, s string) (out string, changed bool) {
	// Most values stay as they are: one scan says so.
	i := first(id, s)
	if i == len(s) && !whole(id) {
		return s, false
	}
	out = build(a, id, s, i)
	if len(out) == len(s) && out == s {
		return s, false
	}
	return out, true
}

// whole reports whether id makes a new value of all of s, whatever it holds: there is no prefix that stays.
func whole(id ID) bool {
	switch id {
	case base64Decode, base64DecodeExt, base64Encode, hexDecode, hexEncode, length, md5Sum, sha1Sum:
		return true
	}
	return false
}

// first returns the index of the first byte that id changes or drops, len(s) where there is none. It may err towards the front:
// then build finds that nothing changed.
func first(id ID, s string) int {
	switch id {
	case cmdLine:
		return firstCmdLine(s, true)
	case compressWhitespace:
		return firstCompressible(s)
	case cssDecode:
		return firstBackslash(s, len(s))
	case escapeSeqDecode, jsDecode:
		return firstBackslash(s, len(s)-1)
	case htmlEntityDecode:
		return firstEntity(s)
	case lowercase:
		return firstCased(s, 'A', false)
	case uppercase:
		return firstCased(s, 'a', true)
	case normalizePath:
		return firstUnclean(s)
	case normalizePathWin:
		return firstUncleanWin(s)
	case parityEven7bit, parityOdd7bit, parityZero7bit:
		return firstParity(id, s)
	case removeComments, removeCommentsChar:
		return firstComment(id == removeCommentsChar, s)
	case replaceComments:
		return firstBlockComment(s)
	case removeNulls, replaceNulls:
		return firstByte(s, 0)
	case removeWhitespace:
		return firstSpace(s)
	case sqlHexDecode:
		return firstSQLHex(s)
	case trim, trimLeft, trimRight:
		return firstTrimmed(id, s)
	case urlDecode:
		return firstURL(s, false)
	case urlDecodeUni:
		return firstURL(s, true)
	case urlEncode:
		return firstUnsafe(s)
	case utf8toUnicode:
		return firstHigh(s, 0)
	}
	return len(s)
}

// build makes the new value. s[:i] stays as it is (not where whole(id)).
func build(a *Arena, id ID, s string, i int) string {
	switch id {
	case base64Decode:
		return decodeBase64(a, s, false)
	case base64DecodeExt:
		return decodeBase64(a, s, true)
	case base64Encode:
		return encodeBase64(a, s)
	case cmdLine:
		return plainCmdLine(a, s, i)
	case compressWhitespace:
		return compressSpaces(a, s, i)
	case cssDecode:
		return decodeCSS(a, s, i)
	case escapeSeqDecode:
		return decodeEscapes(a, s, i)
	case hexDecode:
		return decodeHex(a, s)
	case hexEncode:
		return encodeHex(a, s)
	case htmlEntityDecode:
		return decodeEntities(a, s, i)
	case jsDecode:
		return decodeJS(a, s, i)
	case length:
		return decimalLength(a, s)
	case lowercase, uppercase:
		return foldCase(a, s, i, id == uppercase)
	case md5Sum:
		return digestMD5(a, s)
	case normalizePath:
		return plainPath(a, s)
	case normalizePathWin:
		return plainPathWin(a, s)
	case parityEven7bit, parityOdd7bit, parityZero7bit:
		return setParity(a, id, s, i)
	}
	return buildMore(a, id, s, i)
}

// buildMore is the second half of build.
func buildMore(a *Arena, id ID, s string, i int) string {
	switch id {
	case removeComments:
		return dropComments(a, s, i)
	case removeCommentsChar:
		return dropCommentMarks(a, s, i)
	case removeNulls:
		return dropNulls(a, s, i)
	case replaceNulls:
		return blankNulls(a, s, i)
	case removeWhitespace:
		return dropSpaces(a, s, i)
	case replaceComments:
		return blankComments(a, s, i)
	case sha1Sum:
		return digestSHA1(a, s)
	case sqlHexDecode:
		return decodeSQLHex(a, s, i)
	case trim, trimLeft, trimRight:
		return trimmed(id, s)
	case urlDecode:
		return decodeURL(a, s, i, false)
	case urlDecodeUni:
		return decodeURL(a, s, i, true)
	case urlEncode:
		return encodeURL(a, s, i)
	case utf8toUnicode:
		return spellRunes(a, s, i)
	}
	return s
}

// Fixed reports whether id leaves s as it is, by looking at s itself; c is Classify(s). It may answer false for a fixed point, and
// never true for another value. It costs no more than a pass over s.
func Fixed(id ID, s string, c Class) bool {
	if c&Touches(id) == 0 {
		return true
	}
	return !whole(id) && first(id, s) == len(s)
}

// Folds reports whether all that id changes in s is the case of letters. Like Fixed it may answer false where that is so.
func Folds(id ID, s string) bool {
	switch id {
	case cmdLine:
		return firstCmdLine(s, false) == len(s)
	case lowercase, uppercase:
		return firstHigh(s, 0) == len(s)
	}
	return false
}
