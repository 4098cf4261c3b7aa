package site

import (
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// Incoming cleans the head of an origin's answer in place for the client: hop-by-hop fields go (RFC 9110 section 7.6.1;
// Connection drops nothing else, so an origin cannot lose a Set-Cookie by it), Via is added where Config.Via says so.
// Everything else stays as the origin sent it, Server, its own Proxy-Status and Content-Length included: the listener
// writes framing from r.Length. A 101 keeps Upgrade, a 426 too (RFC 9110 section 15.5.22).
func (t *Table) Incoming(r *exchange.Response) {
	kept := r.Header[:0]
	for _, f := range r.Header {
		if !responseHop(f.Name) || (r.Status == 101 || r.Status == 426) && exchange.EqualFold(f.Name, "Upgrade") {
			kept = append(kept, f)
		}
	}
	clear(r.Header[len(kept):])
	r.Header = kept
	if t.via == ViaBoth {
		r.Header.Add("Via", t.viaValue(r.Proto))
	}
}

// responseHop reports whether a response field belongs to one connection, or speaks to proxies only.
func responseHop(name string) bool {
	return httpwire.IsHopByHop(name) || exchange.EqualFold(name, "Proxy-Authenticate") || exchange.EqualFold(name, "Proxy-Authentication-Info")
}

// Trailer returns the fields of a request's or response's trailer section that may go on. A trailer that an origin
// merges into the header must not say what a header may not (RFC 9110 section 6.5.1): framing, routing, credentials,
// cookies, content fields and whatever Outgoing leaves out are dropped.
func Trailer(h exchange.Header) exchange.Header {
	var kept exchange.Header
	for _, f := range h {
		if k, _ := kindOf(f.Name); k == plain && !httpwire.ForbiddenTrailer(f.Name) {
			kept = append(kept, f)
		}
	}
	return kept
}
