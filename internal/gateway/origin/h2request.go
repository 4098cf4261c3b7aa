package origin

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// open sends the head of the request and starts its body on its way.
func (s *h2Stream) open() *reason.Error {
	h, req := s.h, s.req
	if r := sendable(req); r != nil {
		return r
	}
	h.wmu.Lock()
	frame, r := s.register()
	if r != nil {
		h.wmu.Unlock()
		return r
	}
	h.c.turn(s.x, exchange.TurnTaking)
	s.encode()
	block := h.block.Bytes()
	var n int64
	err := h.writeLocked(func() (err error) {
		n, err = h.writeBlock(s.id, block, frame, req.Length == 0)
		return err
	})
	h.wmu.Unlock()
	now := h.c.o.now()
	h.mu.Lock()
	s.sent, s.turn = n, now
	h.mu.Unlock()
	if err != nil {
		return s.writeFault(err)
	}
	if s.up == nil {
		s.attempt().Write = now.Sub(s.start)
		return nil
	}
	h.c.turn(s.x, exchange.TurnOurs)
	go s.up.run()
	return nil
}

// register makes the stream known and gives it its number, in the order in which heads are written: h.wmu is held.
func (s *h2Stream) register() (frameSize int, _ *reason.Error) {
	h := s.h
	h.mu.Lock()
	if !h.usableLocked() {
		dead := h.dead
		h.mu.Unlock()
		if dead == nil {
			return 0, reason.New(reason.HTTP2GoAway, "before the request was sent", nil)
		}
		return 0, s.deadReason(dead)
	}
	defer h.mu.Unlock()
	s.id = h.nextID
	h.nextID += 2
	h.reserved--
	h.streams[s.id] = s
	s.window = h.peerWindow
	s.closed = s.req.Length == 0
	if s.req.Length != 0 {
		s.up = newH2Upload(s)
	}
	return h.maxFrame, nil
}

// writeFault says why writing failed; the connection is of no more use. What the origin said before it stopped taking
// anything, a GOAWAY or an alert, says more than our write's errno, and is waited for.
func (s *h2Stream) writeFault(err error) *reason.Error {
	if r := ended(s.ctx); r != nil {
		return r
	}
	h := s.h
	h.lastWords(err)
	<-h.ended
	h.mu.Lock()
	dead := h.dead
	h.mu.Unlock()
	r := s.deadReason(dead)
	if !symptom(r.Code) || r.Code == reason.ReadStaleReusedConnection {
		return r
	}
	return h.c.ioError(reason.PhaseWrite, err)
}

// writeBlock writes a header block as HEADERS and, where it is long, CONTINUATION; it returns the bytes of the frames.
func (h *h2Conn) writeBlock(id uint32, block []byte, size int, end bool) (int64, error) {
	first := block[:min(len(block), size)]
	rest := block[len(first):]
	n := int64(len(first) + frameHeader)
	err := h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0})
	for err == nil && len(rest) > 0 {
		piece := rest[:min(len(rest), size)]
		rest = rest[len(piece):]
		n += int64(len(piece) + frameHeader)
		err = h.fr.WriteContinuation(id, len(rest) == 0, piece)
	}
	return n, err
}

const frameHeader = 9 // bytes, RFC 9113 section 4.1

// sendable validates again what becomes of the request in HTTP/2.
func sendable(r *exchange.Request) *reason.Error {
	switch {
	case !httpwire.IsToken(r.Method):
		return reason.New(reason.HTTP1BadRequestLine, "send method", nil)
	case !httpwire.ValidAuthority(r.Authority):
		return reason.New(reason.HTTP1BadHost, "send :authority", nil)
	case !validTarget(r.Path) || !validTarget(r.Query):
		return reason.New(reason.HTTP1BadTarget, "send :path", nil)
	}
	for _, f := range r.Header {
		if !httpwire.IsToken(f.Name) || !httpwire.ValidFieldValue(f.Value) {
			return reason.New(reason.HTTP1BadHeader, "send field", nil)
		}
	}
	return nil
}

func validTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '#' {
			return false
		}
	}
	return true
}

// encode puts the head of the request into h.block; h.wmu is held. The path goes as it came.
func (s *h2Stream) encode() {
	h, r := s.h, s.req
	h.block.Reset()
	scheme := "http"
	if h.c.ep.url.secure {
		scheme = "https"
	}
	path := r.Path
	if r.HasQuery {
		path += "?" + r.Query
	}
	h.field(":method", r.Method)
	h.field(":scheme", scheme)
	h.field(":authority", r.Authority)
	h.field(":path", path)
	if r.Length > 0 || r.Length == 0 && r.Header.Has("Content-Length") {
		h.field("content-length", strconv.FormatInt(r.Length, 10))
	}
	if r.Header.HasToken("TE", "trailers") {
		h.field("te", "trailers") // the one value of TE that HTTP/2 has (RFC 9113 section 8.2.2)
	}
	for _, f := range r.Header {
		if dropped(f.Name, r.Length) {
			continue
		}
		h.field(strings.ToLower(f.Name), f.Value)
	}
}

// dropped reports whether a field of the request stays behind: it belongs to one connection, or is written by us.
func dropped(name string, length int64) bool {
	if exchange.EqualFold(name, "Trailer") {
		return length == 0
	}
	return httpwire.IsHopByHop(name) || exchange.EqualFold(name, "Host") || exchange.EqualFold(name, "Expect") ||
		exchange.EqualFold(name, "Content-Length")
}

// field encodes one field. Credentials stay out of the origin's compression table (RFC 7541 section 7.1.3).
func (h *h2Conn) field(name, value string) {
	secret := name == "authorization" || name == "cookie"
	_ = h.enc.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: secret}) // into memory: no error
}
