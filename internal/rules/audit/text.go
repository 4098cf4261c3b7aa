package audit

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// cut returns at most n bytes of s, and says how many are gone. No character is cut in two.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	end := n
	for end > 0 && n-end < utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "… (+" + strconv.Itoa(len(s)-end) + " bytes)"
}

// clean makes text of s that JSON takes as it is: a byte that is not UTF-8 becomes \xNN, and what a terminal may obey, or take for the
// end of a line, becomes \uNNNN. Controls of ASCII are left to the escapes of JSON.
func clean(s string) string {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if odd(r, size) {
			return string(appendClean([]byte(s[:i]), s[i:]))
		}
		i += size
	}
	return s
}

func odd(r rune, size int) bool {
	return r == utf8.RuneError && size == 1 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

func appendClean(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
		case odd(r, size):
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

// appendLine appends s as text that stays on its line: controls and bytes that are not UTF-8 become \xNN, a backslash becomes two.
// quoted says that it stands between double quotes, which are escaped too.
func appendLine(b []byte, s string, quoted bool) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\', r == '"' && quoted:
			b = append(b, '\\', s[i])
		case r < ' ' || odd(r, size):
			for _, c := range []byte(s[i : i+size]) {
				b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			}
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}
