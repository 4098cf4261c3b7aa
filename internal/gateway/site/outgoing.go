package site

import (
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// Outgoing builds the request that goes to the origin of a matched request: a copy of x.Request, whose Body it shares,
// with the target in origin-form (RFC 9112 section 3.2.1), Authority as the origin shall see it and the header list that
// will be sent. The list begins with Host; framing and connection fields (Content-Length, Transfer-Encoding, Connection,
// Upgrade, Expect) are not in it, the serialiser writes those from the request's other members. x.Request stays as it was.
//
//   - Left out: hop-by-hop fields; what only proxies may say unless a trusted one said it; look-alikes of either
//     (X_Forwarded_For); Proxy (httpoxy), Proxy-Status and tokens of the IIS ASP.NET Core module from anybody.
//   - Added: X-Forwarded-For, -Proto, -Host, -Port, Forwarded (RFC 7239), X-Request-Id, Via or CDN-Loop, the client's
//     certificate as the site asks for it. A trusted proxy's X-Forwarded-Proto, -Host and -Port stay; its chain is continued.
//   - Cookie fields of HTTP/2 are joined (RFC 9113 section 8.2.3). TE: trailers stays.
func (t *Table) Outgoing(x *exchange.Exchange, m *Match) exchange.Request {
	out := x.Request
	in := x.Request.Header
	out.Authority = x.Request.Authority
	if m.Route.OriginHost != "" {
		out.Authority = m.Route.OriginHost
	} else if out.Authority == "" {
		out.Authority = m.Site.primary
	}
	out.Target = originForm(&x.Request)
	out.Expect, out.Close = false, false
	own := t.certFields(x, m)
	h := make(exchange.Header, 0, len(in)+11+len(own))
	h = append(h, exchange.Field{Name: "Host", Value: out.Authority})
	var seen forwarded
	cookie := -1
	for i := range in {
		k, exact := kindOf(in[i].Name)
		switch {
		case k == te && exact && in.HasToken("TE", "trailers"):
			if !h.Has("TE") {
				h = append(h, exchange.Field{Name: "TE", Value: "trailers"})
			}
		case k == trailer && exact && out.Length == exchange.Chunked:
			h = append(h, in[i])
		case !k.passes(exact, m.Trusted) || k == proxied && hasField(own, in[i].Name):
		case k == core && x.Request.Proto == exchange.HTTP2 && exchange.EqualFold(in[i].Name, "Cookie"):
			if cookie >= 0 {
				h[cookie].Value += "; " + in[i].Value
				continue
			}
			cookie = len(h)
			h = append(h, in[i])
		default:
			if k == proxied {
				seen.note(in[i].Name)
			}
			h = append(h, in[i])
		}
	}
	h = t.addForwarded(h, x, m, seen)
	h = append(h, exchange.Field{Name: "X-Request-Id", Value: x.ID})
	out.Header = append(h, own...)
	return out
}

// originForm returns path and query as received, whatever form the target had.
func originForm(r *exchange.Request) string {
	if strings.HasPrefix(r.Target, "/") || r.Path == "*" {
		return r.Target
	}
	path := r.Path
	if path == "" {
		path = "/"
	}
	if !r.HasQuery {
		return path
	}
	return path + "?" + r.Query
}

// hasField is Header.Has for the handful of certificate fields, which is mostly empty.
func hasField(own exchange.Header, name string) bool { return len(own) > 0 && own.Has(name) }

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
	if !seen.host {
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

// viaLines holds the Via values of the versions that a request can come in.
func viaLines(self string) [3]string {
	return [3]string{"1.0 " + self, "1.1 " + self, "2.0 " + self}
}

func (t *Table) viaValue(p exchange.Proto) string {
	switch p {
	case exchange.HTTP10:
		return t.viaLine[0]
	case exchange.HTTP2:
		return t.viaLine[2]
	}
	return t.viaLine[1]
}
