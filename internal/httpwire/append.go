package httpwire

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// RequestOptions are what the origin leg decides about a request that it sends. The zero value sends none of it.
type RequestOptions struct {
	Expect   bool // our own "Expect: 100-continue"
	Close    bool // "Connection: close"
	Trailers bool // "TE: trailers": we can take a trailer section (RFC 9110 section 10.1.4)
}

// AppendRequest appends the head of r to dst as an HTTP/1.1 request, with the zero RequestOptions.
func AppendRequest(dst []byte, r *exchange.Request) ([]byte, error) {
	return AppendRequestWith(dst, r, RequestOptions{})
}

// AppendRequestWith appends the head of r to dst as an HTTP/1.1 request to an origin: origin-form (or "*") from Path and
// Query, Host from Authority, framing from Length, Connection and Upgrade from Upgrade. Of r.Header it drops Host,
// Expect, framing and hop-by-hop fields, and everything else goes as it stands, Trailer only with a chunked body.
//
// Everything is validated again. On an error (*reason.Error) dst is returned as it came.
func AppendRequestWith(dst []byte, r *exchange.Request, o RequestOptions) ([]byte, error) {
	if err := checkRequest(r); err != nil {
		return dst, err
	}
	out := append(append(dst, r.Method...), ' ')
	if r.Method == "CONNECT" {
		out = append(out, r.Authority...)
	} else {
		out = append(out, r.Path...)
		if r.HasQuery {
			out = append(append(out, '?'), r.Query...)
		}
	}
	out = append(append(append(out, " HTTP/1.1\r\nHost: "...), r.Authority...), "\r\n"...)
	named := namesDroppable(r.Header)
	for i := range r.Header {
		f := &r.Header[i]
		if IsHopByHop(f.Name) || isFraming(f.Name) || requestOnly(f.Name) || named && dropped(r.Header, f.Name) || r.Length != exchange.Chunked && isTrailer(f.Name) {
			continue
		}
		var err error
		if out, err = appendField(out, f.Name, f.Value); err != nil {
			return dst, err
		}
	}
	out = appendRequestControl(out, r, o)
	return append(out, "\r\n"...), nil
}

// appendRequestControl appends the fields that are ours alone to write.
func appendRequestControl(out []byte, r *exchange.Request, o RequestOptions) []byte {
	switch {
	case r.Length == exchange.Chunked:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case r.Length > 0 || r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH":
		out = appendLength(out, r.Length)
	}
	if o.Expect && r.Length != 0 {
		out = append(out, "Expect: 100-continue\r\n"...)
	}
	if o.Trailers {
		out = append(out, "TE: trailers\r\n"...)
	}
	if r.Upgrade != "" {
		out = append(append(append(out, "Upgrade: "...), r.Upgrade...), "\r\n"...)
	}
	return appendConnection(out, r.Upgrade != "", o.Trailers, o.Close)
}

func appendConnection(out []byte, upgrade, te, closes bool) []byte {
	if !upgrade && !te && !closes {
		return out
	}
	sep := "Connection: "
	for _, option := range [...]struct {
		on   bool
		name string
	}{{upgrade, "Upgrade"}, {te, "TE"}, {closes, "close"}} {
		if option.on {
			out = append(append(out, sep...), option.name...)
			sep = ", "
		}
	}
	return append(out, "\r\n"...)
}

func appendLength(out []byte, n int64) []byte {
	return append(strconv.AppendInt(append(out, "Content-Length: "...), n, 10), "\r\n"...)
}

// checkRequest validates all of r but its fields.
func checkRequest(r *exchange.Request) error {
	switch {
	case !IsToken(r.Method):
		return fault(reason.HTTP1BadRequestLine, "send request: method is no token (RFC 9110 9.1)")
	case authorityFault(r.Authority, r.Method == "CONNECT") != "":
		return fault(reason.HTTP1BadHost, "send request: "+authorityFault(r.Authority, r.Method == "CONNECT"))
	case r.Length < exchange.Chunked:
		return fault(reason.HTTP1BadCL, "send request: body without length or chunked coding (RFC 9112 6.3)")
	case r.Upgrade != "" && (!validUpgrade(r.Upgrade) || !relayedUpgrade(r.Upgrade) || r.Length != 0):
		return fault(reason.HTTP1BadUpgrade, "send request: Upgrade is not one protocol on a request without body (RFC 9110 7.8)")
	case r.Method == "CONNECT":
		return nil
	case r.Path == "*" && r.Method == "OPTIONS" && !r.HasQuery:
		return nil
	case r.Path == "" || r.Path[0] != '/' || !all(r.Path, classTarget) || !all(r.Query, classTarget) || hasQuestionMark(r.Path):
		return fault(reason.HTTP1BadTarget, "send request: path or query that no request-target can hold (RFC 9112 3.2.1)")
	case r.Query != "" && !r.HasQuery:
		return fault(reason.HTTP1BadTarget, "send request: a query without its question mark (RFC 9112 3.2.1)")
	}
	return nil
}

func hasQuestionMark(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '?' {
			return true
		}
	}
	return false
}

// appendField appends one field line, once more validated where it will be sent from.
func appendField(out []byte, name, value string) ([]byte, error) {
	if !IsToken(name) {
		return out, fault(reason.HTTP1BadHeader, "send field: name "+quote(name)+" is no token (RFC 9110 5.1)")
	}
	out = append(append(out, name...), ": "...)
	from := len(out)
	out = append(out, value...)
	if !validValue(out[from:]) {
		return out, fault(reason.HTTP1BadHeader, "send field "+quote(name)+": control character in its value (RFC 9110 5.5)")
	}
	return append(out, "\r\n"...), nil
}
