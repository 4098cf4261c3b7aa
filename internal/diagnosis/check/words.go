package check

import "strconv"

// Short is what a peer named, cut behind so many bytes.
func Short(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// Count writes n things: 1 byte, 2 bytes.
func Count[N int | int64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.FormatInt(int64(n), 10) + " " + thing
}

// Upper begins a sentence with s.
func Upper(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
