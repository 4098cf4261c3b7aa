package telemetry

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// Appenders for JSON. A comma is written where one is due: after anything but an opening bracket.

func comma(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' && b[n-1] != '[' {
		return append(b, ',')
	}
	return b
}

// key appends a member's name, which must need no escaping.
func key(b []byte, name string) []byte {
	b = append(comma(b), '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func keyString(b []byte, name, v string, limit int) []byte {
	return appendString(key(b, name), v, limit)
}

func keyInt(b []byte, name string, v int64) []byte { return strconv.AppendInt(key(b, name), v, 10) }

func keyBool(b []byte, name string, v bool) []byte { return strconv.AppendBool(key(b, name), v) }

// keyMillis appends milliseconds with three decimals, null for a negative duration.
func keyMillis(b []byte, name string, d time.Duration) []byte {
	b = key(b, name)
	if d < 0 {
		return append(b, "null"...)
	}
	us := int64(d.Round(time.Microsecond) / time.Microsecond)
	b = strconv.AppendInt(b, us/1000, 10)
	rest := us % 1000
	return append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}

// keyAddr appends address and port, "" for the zero value.
func keyAddr(b []byte, name string, a netip.AddrPort) []byte {
	b = append(key(b, name), '"')
	if a.IsValid() {
		b = a.AppendTo(b)
	}
	return append(b, '"')
}

// keyTime appends a time in UTC with microseconds. time.AppendFormat, which reads its layout each time, takes thrice as long.
func keyTime(b []byte, name string, t time.Time) []byte {
	b = append(key(b, name), '"')
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return append(t.AppendFormat(b, time.RFC3339), '"')
	}
	hour, minute, second := t.Clock()
	b = append(appendDigits(b, year, 4), '-')
	b = append(appendDigits(b, int(month), 2), '-')
	b = append(appendDigits(b, day, 2), 'T')
	b = append(appendDigits(b, hour, 2), ':')
	b = append(appendDigits(b, minute, 2), ':')
	b = append(appendDigits(b, second, 2), '.')
	b = appendDigits(b, t.Nanosecond()/1000, 6)
	return append(b, 'Z', '"')
}

// appendDigits appends n in decimal with width digits.
func appendDigits(b []byte, n, width int) []byte {
	var digits [8]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, digits[:width]...)
}

const hex = "0123456789abcdef"

// appendString appends v as a JSON string of at most limit bytes of v; what is left out is counted at its end. Bytes that
// are not UTF-8 become \xNN in the text, controls (C1 included) and line separators \u escapes.
func appendString[T string | []byte](b []byte, v T, limit int) []byte {
	cut := 0
	if len(v) > limit {
		n := limit
		for n > 0 && limit-n < utf8.UTFMax && !utf8.RuneStart(v[n]) {
			n--
		}
		cut = len(v) - n
		v = v[:n]
	}
	b = append(b, '"')
	start := 0
	for i := 0; i < len(v); {
		if c := v[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			b = appendEscape(append(b, v[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := decodeRune(v[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, v[start:i]...), '\\', '\\', 'x', hex[v[i]>>4], hex[v[i]&15])
		case r < 0xa0, r == '\u2028', r == '\u2029':
			b = append(append(b, v[start:i]...), '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			i += size
			continue
		}
		i += size
		start = i
	}
	b = append(b, v[start:]...)
	if cut > 0 {
		b = append(b, "… (+"...)
		b = strconv.AppendInt(b, int64(cut), 10)
		b = append(b, " bytes)"...)
	}
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// decodeRune looks at no more than the four bytes that a rune can have, so that the conversion stays on the stack.
func decodeRune[T string | []byte](v T) (rune, int) {
	return utf8.DecodeRuneInString(string(v[:min(len(v), utf8.UTFMax)]))
}
