package site

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// kind is what a field name means on its way through the gateway.
type kind uint8

const (
	plain   kind = iota
	core         // plain, but an origin decides by it: no look-alike passes
	hop          // belongs to one connection (RFC 9110 section 7.6.1)
	framing      // written anew from the parsed message
	never        // no client has a reason to send it to an origin
	proxied      // only a proxy in front may say it: passes from trusted proxies
	chain        // X-Forwarded-For, Forwarded: as proxied, and continued by us
	te           // hop-by-hop, but "trailers" is passed on
	request      // X-Request-Id: ours takes its place
	trailer      // Trailer, which announces fields behind a chunked body
)

// kindOf classifies a request field. exact says that name is spelled with letters, digits and hyphens alone: origins of
// the CGI kind take every other character for a hyphen too, so X_Forwarded_For reads the same to them.
func kindOf(name string) (k kind, exact bool) {
	var buf [40]byte
	if len(name) > len(buf) {
		return plainPrefix(name[:len(buf)], &buf)
	}
	key, exact := fold(name, &buf)
	switch string(key) {
	case "connection", "keep-alive", "proxy-connection", "upgrade", "http2-settings", "expect",
		"proxy-authorization", "proxy-authenticate":
		return hop, exact
	case "te":
		return te, exact
	case "trailer":
		return trailer, exact
	case "host", "content-length", "transfer-encoding":
		return framing, exact
	case "proxy", "proxy-status", "ms-aspnetcore-token", "ms-aspnetcore-winauthtoken", "x-accel-mapping", "x-sendfile-type":
		return never, exact
	case "x-forwarded-for", "forwarded":
		return chain, exact
	case "x-request-id":
		return request, exact
	case "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip", "x-remote-addr", "x-originating-ip", "true-client-ip",
		"cf-connecting-ip", "fastly-client-ip", "x-azure-clientip", "x-envoy-external-address", "x-real-host", "x-host",
		"x-rewrite-url", "x-override-url", "front-end-https", "x-url-scheme", "x-scheme",
		"x-remote-user", "remote-user", "ssl-client-cert", "x-tls-client-cert":
		return proxied, exact
	case "authorization", "cookie", "content-type", "content-encoding", "origin", "referer", "user-agent", "accept",
		"x-http-method-override", "x-http-method", "x-method-override", "range", "via", "cdn-loop":
		return core, exact
	}
	return prefixKind(key), exact
}

// prefixKind classifies families of names.
func prefixKind(key []byte) kind {
	if len(key) < 8 || key[0] != 'x' && key[0] != 'c' && key[0] != 'm' && key[0] != 's' {
		return plain
	}
	for _, prefix := range [...]string{
		"x-forwarded-", "client-cert", "x-arr-", "ms-aspnetcore-", "x-client-cert", "x-ssl-", "ssl-client-", "x-original-",
	} {
		if len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix {
			return proxied
		}
	}
	return plain
}

// plainPrefix classifies a name too long for the table by its beginning.
func plainPrefix(head string, buf *[40]byte) (kind, bool) {
	key, exact := fold(head, buf)
	return prefixKind(key), exact
}

// fold writes name in lower case with a hyphen for everything but letters and digits.
func fold(name string, buf *[40]byte) (key []byte, exact bool) {
	key, exact = buf[:len(name)], true
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case isAlnum(c):
			c = lower(c)
		case c != '-':
			c, exact = '-', false
		}
		key[i] = c
	}
	return key, exact
}

// passes reports whether a field of that kind goes to the origin as it is. Look-alikes of anything that means something
// are left out whoever sent them: a proxy in front may have passed them on from its client without a thought.
func (k kind) passes(exact, trusted bool) bool {
	switch k {
	case plain:
		return true
	case core:
		return exact
	case proxied:
		return exact && trusted
	}
	return false
}

// hasTwin reports whether h has another field whose name reads the same as name, which is spelled with odd characters, to
// an origin of the CGI kind. The one with hyphens is what everybody means.
func hasTwin(h exchange.Header, name string) bool {
	for i := range h {
		if len(h[i].Name) == len(name) && h[i].Name != name && sameReading(h[i].Name, name) {
			return true
		}
	}
	return false
}

// sameReading reports whether exact, spelled with letters, digits and hyphens, reads the same as odd.
func sameReading(exact, odd string) bool {
	for i := range len(exact) {
		a, b := lower(exact[i]), lower(odd[i])
		if a == '-' && !isAlnum(b) || a == b && isAlnum(a) {
			continue
		}
		return false
	}
	return true
}

// droppedByConnection returns the first name in Connection that would drop an end-to-end field of this message. Such a
// request is refused: to obey would let a client take away Cookie, X-Forwarded-For or what a proxy in front added, to
// ignore it would pass a field that was meant for one hop. Options that name no field of the message mean nothing to us.
func droppedByConnection(h exchange.Header) string {
	for i := range h {
		if !exchange.EqualFold(h[i].Name, "Connection") {
			continue
		}
		for option := range strings.SplitSeq(h[i].Value, ",") {
			option = strings.Trim(option, " \t")
			if mayDrop(option) || !h.Has(option) {
				continue
			}
			return bounded(option, 60)
		}
	}
	return ""
}

// mayDrop reports whether option is a connection option or a hop-by-hop field.
func mayDrop(option string) bool {
	switch k, exact := kindOf(option); k {
	case hop, te, trailer:
		return exact
	}
	return option == "" || exchange.EqualFold(option, "close") || exchange.EqualFold(option, "transfer-encoding")
}
