package transform

import "unicode/utf8"

const (
	longestEntity = 31 // letters of the longest name, the semicolon apart
	longestBare   = 6  // letters of the longest name that needs no semicolon
)

// entity returns what the name stands for: up to two characters of text, "" where there is no such name. hash is hashName of it.
func entity(name string, hash uint32) string {
	for slot := hash * hashSpread >> hashShift; ; slot = (slot + 1) & (uint32(len(entitySlots)) - 1) {
		at := int(entitySlots[slot])
		if at == 0 {
			return ""
		}
		at--
		n := int(entityText[at])
		if n == len(name) && entityText[at+2:at+2+n] == name {
			return entityText[at+2+n : at+2+n+int(entityText[at+1])]
		}
	}
}

// How names come to a slot: hash*hashFactor+letter for each letter, then the upper 13 bits of hash*hashSpread. The two numbers are
// of some hundred the ones that leave the shortest runs of taken slots: who chooses names to be slow finds no more than longestRun.
const (
	hashFactor = 467332595
	hashSpread = 0x8d589a59
	hashShift  = 32 - 13
	longestRun = 7
)

// readEntity reads the character reference of s at i, where the & is. size is 0 where there is none; else name is what
// it stands for, or code, where name is "".
func readEntity(s string, i int) (name string, code rune, size int) {
	if at(s, i+1, '#') {
		code, size = readNumber(s, i)
		return "", code, size
	}
	var hashes [longestBare + 1]uint32
	hash, n := uint32(0), 0
	for j := i + 1; j < len(s) && n <= longestEntity && classes[s[j]|0x20]&classLower|digit(s[j]) != 0; j++ {
		hash = hash*hashFactor + uint32(s[j])
		n++
		if n <= longestBare {
			hashes[n] = hash
		}
	}
	if n > 0 && at(s, i+1+n, ';') {
		if text := entity(s[i+1:i+2+n], hash*hashFactor+';'); text != "" {
			return text, 0, n + 2
		}
	}
	for n = min(n, longestBare); n > 1; n-- {
		if text := entity(s[i+1:i+1+n], hashes[n]); text != "" {
			return text, 0, n + 1
		}
	}
	return "", 0, 0
}

// digit is not zero for 0 to 9.
func digit(c byte) Class {
	if c-'0' < 10 {
		return 1
	}
	return 0
}

// readNumber reads &#N; or &#xH; of s at i; the semicolon may be missing.
func readNumber(s string, i int) (code rune, size int) {
	j, base := i+2, rune(10)
	if j < len(s) && s[j]|0x20 == 'x' {
		j, base = j+1, 16
	}
	from := j
	for ; j < len(s); j++ {
		v := rune(nibbles[s[j]])
		if v >= base {
			break
		}
		if code <= utf8.MaxRune {
			code = code*base + v
		}
	}
	if j == from {
		return 0, 0
	}
	if at(s, j, ';') {
		j++
	}
	switch {
	case code >= 0x80 && code <= 0x9f:
		code = windows1252[code-0x80]
	case code == 0 || !utf8.ValidRune(code):
		code = utf8.RuneError
	}
	return code, j - i
}

// windows1252 is what the numbers 0x80 to 0x9f mean: old pages count in that encoding.
var windows1252 = [32]rune{
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
}

// firstEntity finds the first character reference.
func firstEntity(s string) int {
	for i := firstByte(s, '&'); i < len(s); i += 1 + firstByte(s[i+1:], '&') {
		if _, _, size := readEntity(s, i); size > 0 {
			return i
		}
	}
	return len(s)
}

// decodeEntities decodes the character references of HTML 5, in text as browsers do it.
func decodeEntities(a *Arena, s string, i int) string {
	d := a.reserve(len(s) + (len(s)-i)/5 + utf8.UTFMax) // only &nGt; and &nLt; grow, from five bytes to six
	n := copy(d, s[:i])
	for i < len(s) {
		c := s[i]
		if c == '&' {
			if name, code, size := readEntity(s, i); size > 0 {
				if name != "" {
					n += copy(d[n:], name)
				} else {
					n += utf8.EncodeRune(d[n:n+utf8.UTFMax], code)
				}
				i += size
				continue
			}
		}
		d[n] = c
		n++
		i++
	}
	return a.commit(d, n)
}
