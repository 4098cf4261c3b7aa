package httpwire

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ResponseOptions are what a response must know of the request and the connection that it answers on.
type ResponseOptions struct {
	Method string         // of the request: decides whether a body can follow
	Proto  exchange.Proto // of the request: an HTTP/1.0 client gets no chunked coding. Zero is HTTP/1.1
	Close  bool           // we close the connection after this response
}

// AppendResponse appends the head of r to dst as an HTTP/1.1 response: framing and Connection are written from r.Length and
// o, and those in r.Header are dropped with the other hop-by-hop fields.
//
// Length Chunked means that the body must be sent with AppendChunk and AppendLastChunk, but for an HTTP/1.0 client, whose
// body goes plain and ends with the connection, as with UntilClose; o.Close must hold then, and "Connection: close" is
// written in any case. To HEAD and in a 304, Length above 0 is written as Content-Length; with Length 0 a valid
// Content-Length of r.Header is kept, as it speaks of the representation (RFC 9110 section 8.6). A 101 takes its
// Upgrade from r.Header.
//
// Everything is validated again. On an error (*reason.Error) dst is returned as it came.
func AppendResponse(dst []byte, r *exchange.Response, o ResponseOptions) ([]byte, error) {
	if r.Status < 100 || r.Status > 999 || !ValidFieldValue(r.Phrase) {
		return dst, fault(reason.HTTP1BadStatusLine, "send response: status or phrase that no status line can hold (RFC 9112 4)")
	}
	out := strconv.AppendInt(append(dst, "HTTP/1.1 "...), int64(r.Status), 10)
	out = append(append(append(out, ' '), r.Phrase...), "\r\n"...)
	chunked := r.Length == exchange.Chunked && o.Proto != exchange.HTTP10 && BodyAllowed(o.Method, r.Status)
	named := namesDroppable(r.Header)
	for i := range r.Header {
		f := &r.Header[i]
		if IsHopByHop(f.Name) || isFraming(f.Name) || named && dropped(r.Header, f.Name) || !chunked && isTrailer(f.Name) {
			continue
		}
		var err error
		if out, err = appendField(out, f.Name, f.Value); err != nil {
			return dst, err
		}
	}
	if r.Status == 101 {
		protocol := r.Header.Get("Upgrade")
		if !validUpgrade(protocol) || r.Header.Count("Upgrade") != 1 {
			return dst, fault(reason.HTTP1BadUpgrade, "send response: 101 without one Upgrade (RFC 9110 7.8)")
		}
		out = append(append(append(out, "Upgrade: "...), protocol...), "\r\nConnection: Upgrade\r\n\r\n"...)
		return out, nil
	}
	return append(appendResponseFraming(out, r, o, chunked), "\r\n"...), nil
}

// appendResponseFraming appends what says where the message and the connection end.
func appendResponseFraming(out []byte, r *exchange.Response, o ResponseOptions, chunked bool) []byte {
	if r.Status < 200 {
		return out
	}
	closes := o.Close
	switch {
	case chunked:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case BodyAllowed(o.Method, r.Status):
		if r.Length >= 0 {
			out = appendLength(out, r.Length)
		}
		closes = closes || r.Length < 0
	case r.Status == 204 || o.Method == "CONNECT" && r.Status < 300:
	case r.Length > 0:
		out = appendLength(out, r.Length)
	case r.Length == 0:
		if n, err := parseLength(r.Header.Get("Content-Length")); err == nil && r.Header.Count("Content-Length") == 1 {
			out = appendLength(out, n)
		}
	}
	switch {
	case closes:
		out = append(out, "Connection: close\r\n"...)
	case o.Proto == exchange.HTTP10:
		out = append(out, "Connection: keep-alive\r\n"...)
	}
	return out
}

// AppendChunkSize appends the line before n bytes of chunk data; the data and CRLF must follow. n must be above 0.
func AppendChunkSize(dst []byte, n int) []byte {
	return append(strconv.AppendUint(dst, uint64(n), 16), "\r\n"...)
}

// AppendChunk appends p as one chunk (RFC 9112 section 7.1); nothing for an empty p, which would end the body.
func AppendChunk(dst, p []byte) []byte {
	if len(p) == 0 {
		return dst
	}
	return append(append(AppendChunkSize(dst, len(p)), p...), "\r\n"...)
}

// AppendLastChunk appends the last chunk and the trailer section. A field that may not stand there is refused, and dst
// returned as it came.
func AppendLastChunk(dst []byte, trailer exchange.Header) ([]byte, error) {
	out := append(dst, "0\r\n"...)
	for i := range trailer {
		if ForbiddenTrailer(trailer[i].Name) {
			return dst, fault(reason.HTTP1BadTrailer, "send trailer: "+quote(trailer[i].Name)+" may not stand there (RFC 9110 6.5.1)")
		}
		var err error
		if out, err = appendField(out, trailer[i].Name, trailer[i].Value); err != nil {
			return dst, err
		}
	}
	return append(out, "\r\n"...), nil
}
