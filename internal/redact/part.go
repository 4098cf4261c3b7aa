package redact

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Part returns the matched part of a rule, bounded and masked: whole when the target (a variable such as
// "ARGS:password" or "REQUEST_COOKIES:x") is sensitive, else what looks like a secret in it. What is cut is counted, also what was before, in
// an ending such as "… (+16 bytes)". A number of values ("&ARGS:password") is no secret.
func (m *Masker) Part(target, part string) string {
	counted := strings.HasPrefix(target, "&")
	target = strings.TrimPrefix(target, "&")
	if counted && number(part) {
		return part
	}
	if m.sensitiveTarget(target) {
		return string(appendSecret(nil, part))
	}
	text, dropped := uncut(part)
	if bound := 4 * m.maxPart; len(text) > bound { // bounds the work
		text, dropped = text[:bound], dropped+len(text)-bound
	}
	variable, _, _ := strings.Cut(target, ":")
	var b []byte
	switch variable {
	case "REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE":
		b = m.AppendTarget(nil, text)
	case "QUERY_STRING", "REQUEST_BODY":
		b = m.AppendQuery(nil, text)
	default:
		b = m.AppendText(nil, text)
	}
	if len(b) <= m.maxPart && dropped == 0 {
		return string(b)
	}
	cut := min(m.maxPart, len(b))
	for k := 0; k < utf8.UTFMax && cut > 0 && cut < len(b) && !utf8.RuneStart(b[cut]); k++ {
		cut--
	}
	dropped += len(b) - cut
	return string(b[:cut]) + "… (+" + strconv.Itoa(dropped) + " bytes)"
}

// uncut takes the ending off that says that bytes are gone, and returns how many.
func uncut(s string) (text string, dropped int) {
	i := strings.LastIndex(s, "… (+")
	if i < 0 || !strings.HasSuffix(s, " bytes)") {
		return s, 0
	}
	digits := strings.TrimSuffix(s[i+len("… (+"):], " bytes)")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return s, 0
	}
	return s[:i], int(n)
}

// number reports whether s is one of at most 10 digits.
func number(s string) bool { return s != "" && len(s) <= 10 && strings.Trim(s, "0123456789") == "" }

func (m *Masker) sensitiveTarget(target string) bool {
	variable, selector, _ := strings.Cut(target, ":")
	switch variable {
	case "REQUEST_COOKIES", "RESPONSE_COOKIES":
		return true
	case "ARGS_NAMES", "ARGS_GET_NAMES", "ARGS_POST_NAMES", "REQUEST_HEADERS_NAMES", "REQUEST_COOKIES_NAMES":
		return false
	}
	return selector != "" && m.Sensitive(selector)
}
