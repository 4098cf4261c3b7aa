package site

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/reason"
)

// proxyName is how we call ourselves in Proxy-Status. Unlike the pseudonym it is the same everywhere, so that logs and
// alerts can look for it.
const proxyName = "lunette"

// ProxyStatus returns the Proxy-Status of an answer that we made up (RFC 9209), as in
//
//	lunette; error=connection_refused; details="tcp.refused"
//
// with the detail behind the code, and alert-id where the error is a TLS alert that we received.
func ProxyStatus(code reason.Code, detail string) string {
	info := reason.Lookup(code)
	b := make([]byte, 0, 96)
	b = append(b, proxyName...)
	if info.ProxyStatus != "" {
		b = append(append(b, "; error="...), info.ProxyStatus...)
	}
	if info.ProxyStatus == "tls_alert_received" {
		if n := leadingNumber(detail); n != "" {
			b = append(append(b, "; alert-id="...), n...)
		}
	}
	b = append(b, `; details="`...)
	b = appendSFString(b, string(code))
	if detail != "" {
		b = append(b, ": "...)
		b = appendSFString(b, bounded(detail, 160))
	}
	return string(append(b, '"'))
}

// appendSFString writes the inside of a structured field string (RFC 8941 section 3.3.3): printable ASCII, quote and
// backslash escaped, a question mark for all else.
func appendSFString(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= 0x20 && r < 0x7f:
			b = append(b, byte(r))
		case r == '…':
			b = append(b, "..."...)
		default:
			b = append(b, '?')
		}
	}
	return b
}

// leadingNumber returns the digits that s begins with, three at most, as alerts have.
func leadingNumber(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n > 3 || n < len(s) && !strings.ContainsRune(" ,", rune(s[n])) {
		return ""
	}
	return s[:n]
}
