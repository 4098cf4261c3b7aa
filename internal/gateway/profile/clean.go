package profile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean is s without what could steer a terminal, at most most bytes of it.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), most*2)])
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// product is the first product of a Server field with its version (RFC 9110 section 10.2.4): no comment, nothing that names a host.
func product(field string) string {
	field, _, _ = strings.Cut(field, " ")
	field = clean(field, 64)
	name, version, ok := strings.Cut(field, "/")
	if !token(name) || len(name) > 40 {
		return ""
	}
	if !ok || !token(version) || len(version) > 20 || version[0] < '0' || version[0] > '9' {
		return name
	}
	return name + "/" + version
}

func token(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.+~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// beginning is the first two segments of a path. Of those that look like a secret or a number of somebody's only "…" remains.
func beginning(path string) string {
	path, _, _ = strings.Cut(path, "?")
	out, n := "", 0
	for seg := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if n++; n > 2 {
			break
		}
		seg, _, _ = strings.Cut(seg, ";")
		out += "/" + segment(seg)
	}
	return out
}

func segment(s string) string {
	digits := 0
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.':
			return "…" // encoded, or no plain word
		}
	}
	if len(s) > 24 || digits > 3 {
		return "…"
	}
	return s
}
