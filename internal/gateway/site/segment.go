package site

import (
	"bytes"
	"unicode/utf8"
)

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
