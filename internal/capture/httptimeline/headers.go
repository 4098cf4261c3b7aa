package httptimeline

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// block is a header block that is being gathered (RFC 9113 section 4.3).
type block struct {
	open      bool
	stream    uint32
	promised  uint32 // of a PUSH_PROMISE
	endStream bool
	first     fact.Stamp
	size      int  // bytes on the wire
	holes     bool // some of its fields are not known
}

// fragment takes the payload of HEADERS, PUSH_PROMISE or CONTINUATION.
func (c *http2) fragment(s *side2, side fact.Side, at fact.Stamp, p []byte) {
	f := &s.frame
	if f.typ != frameContinuation {
		s.fields, s.size = s.fields[:0], 0
		s.block = block{open: true, stream: f.stream, endStream: f.typ == frameHeaders && f.flags&flagEndStream != 0, first: s.first}
		ok := false
		if p, ok = c.unwrap(s, p); !ok {
			c.t.broken(c.exchangeOf(f.stream), side, at, frameName(f.typ)+" shorter than its padding and priority (RFC 9113 6.2)")
			c.forget(s)
			s.block.holes = true
		}
	} else if !s.block.open {
		c.forget(s)
		return
	}
	s.block.size += frameHeader + f.length
	s.room += int64(frameHeader+f.length) * ratio
	if s.block.size > maxHead {
		c.giveUp(s, side, at, fmt.Sprintf("header block over %d bytes: not read any further (RFC 9113 10.5.1)", maxHead))
		return
	}
	if !s.block.holes && !s.lost {
		_, err := s.dec.Write(p)
		if err == nil && f.flags&flagEndHeaders != 0 {
			err = s.dec.Close()
		}
		if err != nil {
			c.undecodable(s, side, at, err)
		}
	}
	if s.lost {
		return
	}
	if f.flags&flagEndHeaders != 0 {
		c.headers(s, side, at)
	}
}

// undecodable says that a header block is malformed; fields after it are guesses.
func (c *http2) undecodable(s *side2, side fact.Side, at fact.Stamp, err error) {
	c.forget(s)
	s.block.holes = true
	if s.gap {
		c.astray(s, side, at)
		return
	}
	c.t.broken(c.exchangeOf(s.block.stream), side, at, "header block does not decode, COMPRESSION_ERROR (RFC 9113 4.3): "+err.Error())
}

// unwrap takes padding, priority and promised stream from a payload.
func (c *http2) unwrap(s *side2, p []byte) ([]byte, bool) {
	f, pad := &s.frame, 0
	if f.flags&flagPadded != 0 {
		if len(p) == 0 {
			return nil, false
		}
		pad, p = int(p[0]), p[1:]
	}
	skip := 0
	if f.typ == framePushPromise {
		skip = 4
	} else if f.flags&flagPriority != 0 {
		skip = 5
	}
	if len(p) < skip+pad {
		return nil, false
	}
	if f.typ == framePushPromise {
		s.block.promised = (uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])) &^ (1 << 31)
	}
	return p[skip : len(p)-pad], true
}

// headers takes a header block that is whole.
func (c *http2) headers(s *side2, side fact.Side, at fact.Stamp) {
	b := s.block
	s.block = block{}
	if b.stream == 0 {
		return
	}
	fields, holes := s.known()
	b.holes = b.holes || holes
	if b.promised != 0 {
		c.promise(side, at, &b, fields)
		return
	}
	st := c.streams[b.stream]
	if st == nil {
		if st = c.newStream(s, side, at, &b); st == nil {
			return
		}
	}
	switch {
	case st.ended[side]:
		c.t.broken(st.x, side, at, "HEADERS behind END_STREAM (RFC 9113 5.1)")
		return
	case st.headSeen[side]:
		c.trailers(st, side, at, &b, fields)
	case side == fact.SideClient:
		c.request(st, side, at, &b, fields)
	default:
		c.response(st, at, &b, fields)
	}
	if s.size > maxHead || s.room <= 0 {
		c.t.broken(st.x, side, at, "header block of too many bytes, not all of its fields are shown (RFC 9113 10.5.1)")
	}
	if b.holes && len(st.x.Broken) < maxBroken { // no fact: the capture is to blame
		st.x.Broken = append(st.x.Broken, "fields unknown behind lost or malformed bytes (RFC 7541 2.3.2)")
	}
	if b.endStream {
		c.endStream(st, side, at)
	}
}

// newStream opens the stream of a HEADERS frame, or returns nil where it belongs to one that is over.
func (c *http2) newStream(s *side2, side fact.Side, at fact.Stamp, b *block) *stream {
	client := &c.side[fact.SideClient]
	if !c.idle(b.stream) {
		return nil
	}
	switch {
	case side == fact.SideClient && opener(b.stream) != side:
		c.t.broken(nil, side, at, fmt.Sprintf("client opens stream %d, which is even (RFC 9113 5.1.1)", b.stream))
	case side == fact.SideServer && !client.lost && !client.unknown:
		c.t.broken(nil, side, at, fmt.Sprintf("response on stream %d, which is idle (RFC 9113 5.1)", b.stream))
	}
	st := c.open(opener(b.stream), b.stream, nil)
	if side == fact.SideServer {
		st.ended[fact.SideClient], st.reqDone = true, true
	}
	return st
}

// promise opens the stream that a server announces (section 8.4).
func (c *http2) promise(side fact.Side, at fact.Stamp, b *block, fields []field) {
	if side == fact.SideClient {
		return // told with its header
	}
	if b.promised&1 == 1 || !c.idle(b.promised) {
		c.t.broken(c.exchangeOf(b.stream), side, at, fmt.Sprintf("PUSH_PROMISE of stream %d, which is not the server's next (RFC 9113 6.6)", b.promised))
		return
	}
	st := c.open(fact.SideServer, b.promised, nil)
	b.stream, b.endStream = b.promised, true
	c.request(st, side, at, b, fields)
	st.ended[fact.SideClient], st.reqDone, st.x.Request.Complete = true, true, true
}

// trailers takes the fields behind a body (section 8.1).
func (c *http2) trailers(st *stream, side fact.Side, at fact.Stamp, b *block, fields []field) {
	var p pseudo
	regular, what := p.split(fields, true)
	if what == "" && !b.endStream {
		what = "trailers without END_STREAM (RFC 9113 8.1)"
	}
	if what != "" {
		c.t.broken(st.x, side, at, what)
	}
	st.message(side).Trailers = c.t.shown(regular)
	st.message(side).Last = at
}
