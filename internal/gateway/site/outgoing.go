package site

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Outgoing builds the request that goes to the origin of a matched request: a copy of x.Request, whose Body it shares,
// with the target in origin-form (RFC 9112 section 3.2.1), Authority as the origin shall see it and the header list that
// will be sent. The list begins with Host; framing and connection fields (Content-Length, Transfer-Encoding, Connection,
// Upgrade, Expect) are not in it, the serialiser writes those from the request's other members. x.Request stays as it was.
//
//   - Left out: hop-by-hop fields; what only proxies may say unless a trusted one said it; look-alikes of either
//     (X_Forwarded_For) and of any field that is there under its proper name (X_User beside X-User); from anybody,
//     trusted or not, Proxy (httpoxy), Proxy-Status and the tokens of the ASP.NET Core module of IIS.
//   - Added: X-Forwarded-For, -Proto, -Host, -Port, Forwarded (RFC 7239), X-Request-Id, Via or CDN-Loop, the client's
//     certificate as the site asks for it. A trusted proxy's X-Forwarded-Proto, -Host and -Port stay; its chain is continued.
//   - Cookie fields of HTTP/2 are joined (RFC 9113 section 8.2.3). TE: trailers stays.
func (t *Table) Outgoing(x *exchange.Exchange, m *Match) exchange.Request {
	out := x.Request
	in := x.Request.Header
	if m.Route.OriginHost != "" {
		out.Authority = m.Route.OriginHost
	} else if out.Authority == "" {
		out.Authority = m.Site.primary
	}
	out.Target = originForm(&x.Request)
	if out.Path == "" {
		out.Path = "/"
	}
	out.Expect, out.Close = false, false
	own := t.certFields(x, m)
	h := make(exchange.Header, 0, len(in)+11+len(own))
	h = append(h, exchange.Field{Name: "Host", Value: out.Authority})
	h, seen := appendReceived(h, &x.Request, m.Trusted, own)
	h = t.addForwarded(h, x, m, seen)
	h = append(h, exchange.Field{Name: "X-Request-Id", Value: x.ID})
	out.Header = append(h, own...)
	return out
}

// appendReceived appends what goes on of the fields as received, and notes what a trusted proxy said already. own is what
// takes the place of fields of the same name.
func appendReceived(h exchange.Header, r *exchange.Request, trusted bool, own exchange.Header) (exchange.Header, forwarded) {
	var seen forwarded
	cookie := -1
	for _, f := range r.Header {
		k, exact := kindOf(f.Name)
		switch {
		case k == te && exact && !h.Has("TE") && r.Header.HasToken("TE", "trailers"):
			f = exchange.Field{Name: "TE", Value: "trailers"}
		case k == trailer && exact && r.Length == exchange.Chunked:
		case !k.passes(exact, trusted) || k == proxied && len(own) > 0 && own.Has(f.Name) || !exact && hasTwin(r.Header, f.Name):
			continue
		case k == core && r.Proto == exchange.HTTP2 && exchange.EqualFold(f.Name, "Cookie"):
			if cookie >= 0 {
				h[cookie].Value += "; " + f.Value
				continue
			}
			cookie = len(h)
		case k == proxied:
			seen.note(f.Name)
		}
		h = append(h, f)
	}
	return h, seen
}

// originForm returns path and query as received, whatever form the target had.
func originForm(r *exchange.Request) string {
	if strings.HasPrefix(r.Target, "/") {
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
