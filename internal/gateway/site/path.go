package site

import (
	"bytes"
	"unicode/utf8"
)

// PathPolicy says what happens to paths that origins read differently.
type PathPolicy string

// Both policies pass the path byte for byte or refuse it, and refuse control characters, plain and encoded.
//
// Strict refuses what has more than one reading: backslash, path parameters (;), encoded slash and backslash, %u and
// invalid escapes, double encoding, overlong or otherwise invalid UTF-8, bytes that must be encoded, dot segments,
// a dot or space at the end of a segment, alternate data streams, 8.3 names, characters that Windows code pages turn
// into separators, and an empty first segment (//host is a reference to another host for many a URL parser).
// What is left has one reading after one percent-decoding. Empty segments further in (/a//b) pass, since sloppy links
// are full of them: they have two readings, merged or not, and the stronger policy of the two counts.
//
// Lenient passes all of that; a path that Strict would refuse is judged by the strongest policy of the site.
const (
	Strict  PathPolicy = "strict" // the default
	Lenient PathPolicy = "lenient"
)

// readings is how many resources an origin may take a path for.
type readings uint8

const (
	oneReading    readings = iota
	mergedSlashes          // two: runs of slashes count as one, or not
	manyReadings           // any number
)

// readPath tells how many readings a path has, or which construct refuses it.
func readPath(path string, lenient bool) (how readings, fault string) {
	if plainPath(path) || path == "*" {
		return oneReading, ""
	}
	var buf [512]byte // enough for nearly every path; append finds more where it is not
	decoded, fault, control := decode(buf[:0], path)
	if control != "" {
		return manyReadings, control
	}
	if fault == "" {
		how, fault = readDecoded(decoded)
	}
	if fault != "" && lenient {
		return manyReadings, ""
	}
	return how, fault
}

// plainPath is the fast way: true only for paths of segments without anything that needs a closer look.
func plainPath(path string) bool {
	if path == "" || path[0] != '/' {
		return path == ""
	}
	last := byte('/')
	for i := 1; i < len(path); i++ {
		c := path[i]
		switch {
		case isAlnum(c) || c == '-' || c == '_':
		case c == '/':
			if last == '/' || last == '.' {
				return false
			}
		case c == '.':
			if last == '/' {
				return false
			}
		case c != '=' && c != '@' && c != '+' && c != ',' && c != '!' && c != '$' && c != '&' && c != '(' && c != ')' && c != '\'':
			return false
		}
		last = c
	}
	return last != '.'
}

// decode appends path, percent-decoded once, to out. strict is the first construct on the way that Strict refuses,
// control the first control character.
func decode(out []byte, path string) (decoded []byte, strict, control string) {
	for i := 0; i < len(path); {
		c, n := decodeAt(path, i)
		switch {
		case n == 1:
			strict = orElse(strict, rawFault(path, i))
		case c == '/':
			strict = orElse(strict, "encoded slash")
		case c == '\\':
			strict = orElse(strict, "encoded backslash")
		}
		if c < 0x20 || c == 0x7f {
			control = orElse(control, controlName(c))
		}
		out = append(out, c)
		i += n
	}
	return out, strict, control
}

// rawFault names what Strict refuses in a byte that stands for itself, or "".
func rawFault(path string, i int) string {
	switch c := path[i]; {
	case c == '%' && i+1 < len(path) && path[i+1]|0x20 == 'u':
		return "%u escape"
	case c == '%':
		return "invalid percent escape"
	case c == '\\':
		return "backslash"
	case c == '#':
		return "fragment"
	case c == '?':
		return "query within the path"
	case c == ' ':
		return "space"
	case c >= 0x80:
		return "byte that must be percent-encoded"
	}
	return ""
}

func controlName(c byte) string {
	if c == 0 {
		return "NUL"
	}
	return "control character"
}

// decodeAt returns the byte at path[i], percent-decoded, and how many bytes of path it takes: 3 for an escape.
func decodeAt(path string, i int) (c byte, n int) {
	c = path[i]
	if c != '%' || i+2 >= len(path) {
		return c, 1
	}
	hi, ok1 := unhex(path[i+1])
	lo, ok2 := unhex(path[i+2])
	if !ok1 || !ok2 {
		return c, 1
	}
	return hi<<4 | lo, 3
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// readDecoded judges a path that was percent-decoded once.
func readDecoded(path []byte) (how readings, fault string) {
	if len(path) == 0 || path[0] != '/' {
		return manyReadings, "path that does not begin with /"
	}
	if fault = readBytes(path); fault != "" {
		return manyReadings, fault
	}
	rest := path[1:]
	for first := true; ; first = false {
		segment, more, found := bytes.Cut(rest, []byte{'/'})
		if fault = readSegment(segment); fault != "" {
			return manyReadings, fault
		}
		if !found {
			return how, ""
		}
		if len(segment) == 0 {
			if first {
				return manyReadings, "empty first segment"
			}
			how = mergedSlashes
		}
		rest = more
	}
}

// readBytes looks at the bytes and characters of a decoded path.
func readBytes(path []byte) string {
	for i := 0; i < len(path); {
		c := path[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '\\':
				return "backslash"
			case c == ';':
				return "path parameter"
			case c < 0x20 || c == 0x7f:
				return controlName(c)
			case c == '%' && escapes(path[i+1:]):
				return "double encoding"
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(path[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return "invalid UTF-8"
		case r < 0xa0:
			return "control character"
		case bestFit(r):
			return "character that code pages turn into a separator"
		}
		i += n
	}
	return ""
}

// escapes reports whether what follows a percent sign makes it an escape: %2e or %u002e.
func escapes(rest []byte) bool {
	if len(rest) < 2 {
		return false
	}
	if rest[0]|0x20 == 'u' {
		_, ok := unhex(rest[1])
		return ok
	}
	_, ok1 := unhex(rest[0])
	_, ok2 := unhex(rest[1])
	return ok1 && ok2
}

// bestFit reports whether Windows turns r into a slash, backslash or dot on the way to an ANSI code page.
func bestFit(r rune) bool {
	switch r {
	case 0x2024, 0xff0e, // one dot leader, fullwidth full stop
		0x2044, 0x2215, 0xff0f, // fraction, division, fullwidth slash
		0x2216, 0xfe68, 0xff3c, 0x20e5, // set minus, small, fullwidth, overlay backslash
		0xa5, 0x20a9, 0xffe5, 0xffe6: // yen and won: 0x5C in code pages 932 and 949
		return true
	}
	return false
}

// readSegment judges one segment of a decoded path, as Windows and Unix file names.
func readSegment(s []byte) string {
	if len(s) == 0 {
		return ""
	}
	if string(s) == "." || string(s) == ".." {
		return "dot segment"
	}
	if last := s[len(s)-1]; last == '.' || last == ' ' {
		return "dot or space at the end of a segment"
	}
	if i := bytes.IndexByte(s, ':'); i >= 0 && isStream(s) {
		return "alternate data stream"
	}
	if i := bytes.IndexByte(s, '~'); i > 0 && isShortName(s, i) {
		return "8.3 name"
	}
	return ""
}

// isStream reports whether Windows could take a segment with a colon for a stream or a drive: a colon doubled, at the
// end, before a $, or after a file extension. The colons of /v1/jobs/7:cancel or /wiki/Talk:Rome are none of these.
func isStream(s []byte) bool {
	ext := -1 // length of the letters and digits since the last dot of the segment
	for i, c := range s {
		switch {
		case c == ':':
			if i == len(s)-1 || s[i+1] == ':' || s[i+1] == '$' || ext > 0 && ext <= 10 {
				return true
			}
			ext = -1
		case c == '.':
			ext = 0
		case ext >= 0 && isAlnum(c):
			ext++
		default:
			ext = -1
		}
	}
	return false
}

// isShortName reports whether a segment with a tilde at i could be a short name of NTFS, as in PROGRA~1.EXT, or a
// pattern that looks for one (*~1*). /~alice and /pool/lib_1.0~1-2_amd64.deb are none.
func isShortName(s []byte, i int) bool {
	end := i + 1
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == i+1 {
		return false
	}
	if bytes.IndexByte(s, '*') >= 0 {
		return true
	}
	if end > 8 || bytes.IndexByte(s[:i], '.') >= 0 {
		return false
	}
	ext := s[end:]
	return len(ext) == 0 || ext[0] == '.' && len(ext) <= 4 && bytes.IndexByte(ext[1:], '.') < 0
}

// readQuery returns which construct of a query is refused, or "". A query is data that every framework reads after its own
// fashion and that rules inspect: escapes of any kind, invalid ones included, pass. Only raw control characters are
// refused, and on strict sites a raw #, where some origins end the query.
func readQuery(query string, lenient bool) string {
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c < 0x20 || c == 0x7f:
			return controlName(c) + " in the query"
		case c == '#' && !lenient:
			return "fragment in the query"
		}
	}
	return ""
}
