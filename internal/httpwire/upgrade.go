package httpwire

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// validUpgrade reports whether v is a list of protocols, name["/"version] (RFC 9110 section 7.8).
func validUpgrade(v string) bool {
	some := false
	for part := range strings.SplitSeq(v, ",") {
		part = strings.Trim(part, " \t")
		if part == "" {
			continue
		}
		name, version, slash := strings.Cut(part, "/")
		if !IsToken(name) || slash && !IsToken(version) {
			return false
		}
		some = true
	}
	return some
}

// relayedUpgrade reports whether v is one protocol that an origin may be asked for: a tunnel of its own, not another HTTP
// or TLS, which would carry requests past the rules.
func relayedUpgrade(v string) bool {
	name, _, _ := strings.Cut(v, "/")
	for _, no := range [...]string{"h2c", "h2", "h3", "http", "tls"} {
		if exchange.EqualFold(name, no) {
			return false
		}
	}
	return name != "" && !strings.ContainsAny(v, ", \t")
}

// lower is strings.ToLower for ASCII, without a copy for the usual spelling.
func lower(s string) string {
	if exchange.EqualFold(s, "websocket") {
		return "websocket"
	}
	return strings.ToLower(s)
}
