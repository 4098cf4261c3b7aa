package redact

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Part returns the matched part of a rule, bounded and masked: whole when the target (a variable such as
// "ARGS:password" or "REQUEST_COOKIES:x") is sensitive, else what looks like a secret in it.
func (m *Masker) Part(target, part string) string {
	if m.sensitiveTarget(target) {
		return string(appendSecret(nil, part))
	}
	text, dropped := part, 0
	if bound := 4 * m.maxPart; len(text) > bound { // bounds the work
		text, dropped = text[:bound], len(text)-bound
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
