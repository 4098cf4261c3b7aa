package httpwire

import "github.com/lunette-waf/lunette/internal/exchange"

// IsHopByHop reports whether the field name belongs to one connection and is never forwarded (RFC 9110 section 7.6.1).
func IsHopByHop(name string) bool {
	switch len(name) {
	case 2:
		return exchange.EqualFold(name, "TE")
	case 7:
		return exchange.EqualFold(name, "Upgrade")
	case 10:
		return exchange.EqualFold(name, "Connection") || exchange.EqualFold(name, "Keep-Alive")
	case 14:
		return exchange.EqualFold(name, "HTTP2-Settings")
	case 16:
		return exchange.EqualFold(name, "Proxy-Connection")
	case 17:
		return exchange.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// droppedWhenNamed reports whether Connection may drop the field name: fields that concern proxies on the way and
// are nobody's business beyond them (RFC 9110 sections 6.6.2 and 11.7). Anything else that Connection names stays.
func droppedWhenNamed(name string) bool {
	switch len(name) {
	case 7:
		return exchange.EqualFold(name, "Trailer")
	case 18:
		return exchange.EqualFold(name, "Proxy-Authenticate")
	case 19:
		return exchange.EqualFold(name, "Proxy-Authorization")
	case 25:
		return exchange.EqualFold(name, "Proxy-Authentication-Info")
	}
	return false
}

// requestOnly reports whether a request's field name is ours to write.
func requestOnly(name string) bool {
	switch len(name) {
	case 4:
		return exchange.EqualFold(name, "Host")
	case 6:
		return exchange.EqualFold(name, "Expect")
	}
	return false
}

func isTrailer(name string) bool { return len(name) == 7 && exchange.EqualFold(name, "Trailer") }

// namesDroppable reports whether some field could be dropped for being named by Connection.
func namesDroppable(h exchange.Header) bool {
	for i := range h {
		if droppedWhenNamed(h[i].Name) {
			return true
		}
	}
	return false
}

// dropped reports whether Connection names the field and may drop it.
func dropped(h exchange.Header, name string) bool {
	return droppedWhenNamed(name) && h.HasToken("Connection", name)
}

// isFraming reports whether we write the field name ourselves: a message has one framing, and it is ours.
func isFraming(name string) bool {
	return len(name) == 14 && exchange.EqualFold(name, "Content-Length")
}

// ForbiddenTrailer reports whether the field name may not stand in a trailer section (RFC 9110 section 6.5.1): framing,
// routing, request modifiers, authentication, cookies, response control data, and what says how content is to be read.
func ForbiddenTrailer(name string) bool {
	if IsHopByHop(name) || hasPrefixFold(name, "X-Forwarded-") || hasPrefixFold(name, "If-") || hasPrefixFold(name, "Proxy-") || hasPrefixFold(name, "Client-Cert") {
		return true
	}
	for _, no := range [...]string{
		"Content-Length", "Trailer", "Host", "Forwarded", "Via", "Expect", "Max-Forwards", "Cache-Control", "Pragma", "Range",
		"Authorization", "WWW-Authenticate", "Authentication-Info", "Cookie", "Set-Cookie", "Age", "Date", "Expires", "Location",
		"Retry-After", "Vary", "Warning", "Content-Encoding", "Content-Type", "Content-Range", "Content-Location", "X-Real-IP",
	} {
		if exchange.EqualFold(name, no) {
			return true
		}
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && exchange.EqualFold(s[:len(prefix)], prefix)
}
