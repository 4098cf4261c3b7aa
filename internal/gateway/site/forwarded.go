package site

import (
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// forwarded notes what a trusted proxy said already.
type forwarded struct{ proto, host, port bool }

func (f *forwarded) note(name string) {
	f.proto = f.proto || exchange.EqualFold(name, "X-Forwarded-Proto")
	f.host = f.host || exchange.EqualFold(name, "X-Forwarded-Host")
	f.port = f.port || exchange.EqualFold(name, "X-Forwarded-Port")
}

// addForwarded appends what we say about the client. X-Forwarded-Port is the port that the client used in its URL: the
// one that Host names, else the scheme's; the listener's own means nothing behind a port mapping.
func (t *Table) addForwarded(h exchange.Header, x *exchange.Exchange, m *Match, seen forwarded) exchange.Header {
	r := &x.Request
	element, addr := forwardedElement(x.Client.Addr.Addr().Unmap().WithZone(""), r.Authority, m.Scheme)
	list := addr
	if m.Trusted {
		list, element = continueChain(r.Header, addr, element)
	}
	h = append(h, exchange.Field{Name: "X-Forwarded-For", Value: list})
	if !seen.proto {
		h = append(h, exchange.Field{Name: "X-Forwarded-Proto", Value: m.Scheme})
	}
	if !seen.host && r.Authority != "" {
		h = append(h, exchange.Field{Name: "X-Forwarded-Host", Value: r.Authority})
	}
	if !seen.port {
		_, port := splitAuthority(r.Authority)
		if port == "" {
			if port = "80"; m.Scheme == "https" {
				port = "443"
			}
		}
		h = append(h, exchange.Field{Name: "X-Forwarded-Port", Value: port})
	}
	h = append(h, exchange.Field{Name: "Forwarded", Value: element})
	if t.via == ViaNone {
		return append(h, exchange.Field{Name: "CDN-Loop", Value: t.self})
	}
	return append(h, exchange.Field{Name: "Via", Value: t.viaValue(r.Proto)})
}

// forwardedElement writes one element of Forwarded. The address within it is returned too, as part of the same string.
func forwardedElement(a netip.Addr, host, scheme string) (element, addr string) {
	var buf [192]byte
	b, from := append(buf[:0], "for="...), 4
	if a.Is6() {
		b, from = append(b, `"[`...), 6
	}
	if !a.IsValid() {
		b = append(b, "unknown"...)
	} else {
		b = a.AppendTo(b)
	}
	to := len(b)
	if a.Is6() {
		b = append(b, `]"`...)
	}
	if host != "" {
		b = append(b, ";host="...)
		b = appendTokenOrQuoted(b, host)
	}
	b = append(append(b, ";proto="...), scheme...)
	element = string(b)
	return element, element[from:to]
}

// continueChain adds us to the chain that trusted proxies wrote. Where they wrote one of the two fields only, the
// other is made from it, so that an origin sees the same chain whichever it reads.
func continueChain(h exchange.Header, addr, element string) (xff, fwd string) {
	xff = strings.Join(h.Values("X-Forwarded-For"), ", ")
	fwd = strings.Join(h.Values("Forwarded"), ", ")
	switch {
	case xff == "" && fwd == "":
		return addr, element
	case fwd == "":
		for node := range strings.SplitSeq(xff, ",") {
			fwd += "for=" + forwardedNode(strings.Trim(node, " \t")) + ", "
		}
		return xff + ", " + addr, fwd + element
	case xff == "":
		for _, node := range forwardedNodes(h) {
			if a, ok := parseNode(node); ok {
				xff += a.String() + ", "
			} else {
				xff += "unknown, "
			}
		}
		return xff + addr, fwd + ", " + element
	}
	return xff + ", " + addr, fwd + ", " + element
}

// forwardedNode spells an entry of X-Forwarded-For as a node of Forwarded (RFC 7239 section 6).
func forwardedNode(node string) string {
	a, ok := parseNode(node)
	switch {
	case !ok:
		return "unknown"
	case a.Is6():
		return `"[` + a.String() + `]"`
	}
	return a.String()
}

// appendTokenOrQuoted writes s as a token where it is one, else as a quoted string.
func appendTokenOrQuoted(b []byte, s string) []byte {
	if httpwire.IsToken(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20 && c < 0x7f:
			b = append(b, c)
		default:
			b = append(b, '?')
		}
	}
	return append(b, '"')
}
