package site

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
