// Package transform holds the transformations (t:…) of SecLang.
//
// Input: a value and the [ID] of a transformation. Output: the transformed value, and whether it differs.
// Promises: a value that a transformation leaves alone comes back as it is, without a copy; [Touches] and [Fixed] say so beforehand from
// the bytes that occur in it. New text lies in an [Arena]. Time is linear in the value, whatever it holds. Results equal Coraza's, byte
// for byte; where they do not, docs/rules-differences.md says who is right by the reference, and a test pins both results.
// Non-goals: chains (package compile).
package transform

import "strings"

// ID is one transformation; 0 is none.
type ID uint8

// The transformations. Two spellings of one (normalise, normalize) share an ID.
const (
	base64Decode ID = iota + 1
	base64DecodeExt
	base64Encode
	cmdLine
	compressWhitespace
	cssDecode
	escapeSeqDecode
	hexDecode
	hexEncode
	htmlEntityDecode
	jsDecode
	length
	lowercase
	md5Sum
	normalizePath
	normalizePathWin
	parityEven7bit
	parityOdd7bit
	parityZero7bit
	removeComments
	removeCommentsChar
	removeNulls
	removeWhitespace
	replaceComments
	replaceNulls
	sha1Sum
	sqlHexDecode
	trim
	trimLeft
	trimRight
	uppercase
	urlDecode
	urlDecodeUni
	urlEncode
	utf8toUnicode
	ids // one more than the last
)

// named is a transformation and how rules write it.
type named struct {
	id   ID
	name string
}

// table lists every name of every transformation; of two for one, the first is what String says.
func table() []named {
	return []named{
		{base64Decode, "base64Decode"},
		{base64DecodeExt, "base64DecodeExt"},
		{base64Encode, "base64Encode"},
		{cmdLine, "cmdLine"},
		{compressWhitespace, "compressWhitespace"},
		{cssDecode, "cssDecode"},
		{escapeSeqDecode, "escapeSeqDecode"},
		{hexDecode, "hexDecode"},
		{hexEncode, "hexEncode"},
		{htmlEntityDecode, "htmlEntityDecode"},
		{jsDecode, "jsDecode"},
		{length, "length"},
		{lowercase, "lowercase"},
		{md5Sum, "md5"},
		{normalizePath, "normalizePath"},
		{normalizePath, "normalisePath"},
		{normalizePathWin, "normalizePathWin"},
		{normalizePathWin, "normalisePathWin"},
		{parityEven7bit, "parityEven7bit"},
		{parityOdd7bit, "parityOdd7bit"},
		{parityZero7bit, "parityZero7bit"},
		{removeComments, "removeComments"},
		{removeCommentsChar, "removeCommentsChar"},
		{removeNulls, "removeNulls"},
		{removeWhitespace, "removeWhitespace"},
		{replaceComments, "replaceComments"},
		{replaceNulls, "replaceNulls"},
		{sha1Sum, "sha1"},
		{sqlHexDecode, "sqlHexDecode"},
		{trim, "trim"},
		{trimLeft, "trimLeft"},
		{trimRight, "trimRight"},
		{uppercase, "uppercase"},
		{urlDecode, "urlDecode"},
		{urlDecodeUni, "urlDecodeUni"},
		{urlEncode, "urlEncode"},
		{utf8toUnicode, "utf8toUnicode"},
	}
}

// Lookup finds a transformation by its name in rules, regardless of case. t:none is not one: it empties the chain (package compile).
func Lookup(name string) (ID, bool) {
	for _, t := range table() {
		if strings.EqualFold(t.name, name) {
			return t.id, true
		}
	}
	return 0, false
}

// String returns the name that rules use, "none" for 0.
func (id ID) String() string {
	for _, t := range table() {
		if t.id == id {
			return t.name
		}
	}
	return "none"
}

// Names lists the names of all transformations, for hints.
func Names() []string {
	var names []string
	for _, t := range table() {
		names = append(names, t.name)
	}
	return names
}
