package origin

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// identity ties the connection to its client where it carries somebody's identity from now on.
func (k *call) identity() {
	c := k.c
	if c.pin != 0 {
		return
	}
	if c.identified() || connectionAuth(k.req.Header, "Authorization") ||
		(k.resp.Status == 401 && connectionAuth(k.resp.Header, "WWW-Authenticate")) {
		c.own(k.x)
	}
}

// identified reports whether the origin knows the connection by a client certificate that is not for everybody. A resumed
// session carries the certificate of the one before it, and shows no request for it.
func (c *conn) identified() bool {
	t := &c.o.cfg.TLS
	return !t.ShareConnection && (c.certSent.Load() || (t.Certificate != nil && c.state.resumed))
}

// own gives the connection to the client of x; without one, nobody has it after this exchange.
func (c *conn) own(x *exchange.Exchange) {
	if x.Client == nil {
		c.private = true
		return
	}
	c.pin = x.Client.ConnID
}

// connectionAuth reports whether a field called name speaks of a scheme that authenticates connections, not requests.
func connectionAuth(h exchange.Header, name string) bool {
	for i := range h {
		if exchange.EqualFold(h[i].Name, name) && (hasScheme(h[i].Value, "NTLM") || hasScheme(h[i].Value, "Negotiate")) {
			return true
		}
	}
	return false
}

// hasScheme reports whether a list of challenges or credentials holds scheme (RFC 9110 section 11.3).
func hasScheme(v, scheme string) bool {
	for part := range strings.SplitSeq(v, ",") {
		word, _, _ := strings.Cut(strings.TrimLeft(part, " \t"), " ")
		if exchange.EqualFold(word, scheme) {
			return true
		}
	}
	return false
}
