package httptimeline

import "github.com/lunette-waf/lunette/internal/httpwire"

// framing is where a body ends.
type framing uint8

const (
	noBody framing = iota
	fixed
	chunked
	untilClose
	unclear // a request whose body ends nobody knows where
)

// framing returns how the body of a message is framed, its length where that is fixed, and, where the head contradicts
// itself, how it is read here: as most recipients do (RFC 9112 section 6.3).
func (r *rawHead) framing(response bool, method string) (f framing, n int64, note string) {
	if response && !httpwire.BodyAllowed(method, r.status) {
		return noBody, 0, ""
	}
	switch {
	case r.coding.chunked && r.lengths.seen:
		return chunked, 0, "read as chunked, Content-Length passed over (RFC 9112 6.3)"
	case r.coding.chunked:
		return chunked, 0, ""
	case r.coding.seen && response:
		return untilClose, 0, "chunked is not the last transfer coding: read until the connection ends (RFC 9112 6.3)"
	case r.coding.seen && r.lengths.n < 0:
		return unclear, 0, "chunked is not the last transfer coding: where the body ends is anybody's guess (RFC 9112 6.3)"
	case r.coding.seen:
		return fixed, r.lengths.n, "chunked is not the last transfer coding: read by Content-Length (RFC 9112 6.3)"
	case r.lengths.n >= 0 && (r.lengths.differ || r.lengths.invalid):
		return fixed, r.lengths.n, "read by the first Content-Length (RFC 9112 6.3)"
	case r.lengths.n >= 0:
		return fixed, r.lengths.n, ""
	case response && r.lengths.invalid:
		return untilClose, 0, "Content-Length is no number: read until the connection ends (RFC 9112 6.3)"
	case response:
		return untilClose, 0, ""
	}
	return noBody, 0, ""
}

// announced is the length for HTTPHead: what Content-Length says, -1 where the body's end is announced otherwise.
func (r *rawHead) announced(f framing) int64 {
	switch {
	case f == fixed || f == noBody && r.lengths.n >= 0:
		return r.lengths.n
	case f == noBody:
		return 0
	}
	return -1
}
