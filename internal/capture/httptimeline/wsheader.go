package httptimeline

import (
	"encoding/binary"
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// frameHeader gathers the header of a frame (section 5.2) and returns what is left.
func (w *wsConn) frameHeader(t *Timeline, s *wsSide, side fact.Side, at fact.Stamp, p []byte) []byte {
	for need := 2; ; need = s.headerSize() {
		for s.have < need {
			if len(p) == 0 {
				return nil
			}
			n := copy(s.header[s.have:need], p)
			s.have, p = s.have+n, p[n:]
		}
		if need == s.headerSize() {
			break
		}
	}
	w.readHeader(t, s, side, at)
	return p
}

// headerSize is the size of the frame's header, by its first two bytes.
func (s *wsSide) headerSize() int {
	n := 2
	switch s.header[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if s.header[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// readHeader reads a whole header and says what is wrong with it.
func (w *wsConn) readHeader(t *Timeline, s *wsSide, side fact.Side, at fact.Stamp) {
	b := s.header[:s.have]
	s.fin, s.op, s.masked, s.payload = b[0]&0x80 != 0, b[0]&0x0f, b[1]&0x80 != 0, true
	length := uint64(b[1] & 0x7f)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		length = binary.BigEndian.Uint64(b[2:])
	}
	if s.masked {
		copy(s.mask[:], b[len(b)-4:])
	}
	s.close = s.close[:0]
	if what := w.check(s, side, length); what != "" {
		t.broken(w.x, side, at, what)
	}
	if length >= 1<<63 || s.op >= opClose && length > 125 || s.op > 2 && s.op < 8 || s.op > opPong {
		s.lost = true
		return
	}
	s.left, s.length = int64(length), int64(length)
	if s.op == opText || s.op == opBinary {
		s.message = s.op
	}
}

// check returns what a frame's header breaks, "" where it is sound.
func (w *wsConn) check(s *wsSide, side fact.Side, length uint64) string {
	switch {
	case s.op > 2 && s.op < 8 || s.op > opPong:
		return fmt.Sprintf("WebSocket opcode %d is reserved: not read any further (RFC 6455 5.2)", s.op)
	case length >= 1<<63:
		return "WebSocket length beyond 2^63: not read any further (RFC 6455 5.2)"
	case s.op >= opClose && length > 125:
		return fmt.Sprintf("WebSocket control frame of %d bytes: not read any further (RFC 6455 5.5)", length)
	case s.op >= opClose && !s.fin:
		return "WebSocket control frame in fragments (RFC 6455 5.5)"
	case s.closed:
		return "WebSocket frame behind the close frame (RFC 6455 5.5.1)"
	case s.op == opContinuation && s.message == 0:
		return "WebSocket continuation of no message (RFC 6455 5.4)"
	case (s.op == opText || s.op == opBinary) && s.message != 0:
		return "WebSocket message within the fragments of another (RFC 6455 5.4)"
	case s.masked != (side == fact.SideClient) && s.masked:
		return "WebSocket frame of the server is masked (RFC 6455 5.1)"
	case s.masked != (side == fact.SideClient):
		return "WebSocket frame of the client is not masked (RFC 6455 5.1)"
	case s.header[0]&0x30 != 0 || s.header[0]&0x40 != 0 && !w.x.WebSocket.Compressed:
		return "WebSocket reserved bits without an extension (RFC 6455 5.2)"
	case s.header[1]&0x7f == 126 && length < 126 || s.header[1]&0x7f == 127 && length < 1<<16:
		return "WebSocket length is not in its shortest form (RFC 6455 5.2)"
	}
	return ""
}
