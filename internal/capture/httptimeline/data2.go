package httptimeline

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// beginData finds the stream of a DATA frame (RFC 9113 section 6.1) and takes its length from the windows.
func (c *http2) beginData(s *side2, side fact.Side, at fact.Stamp) {
	f := &s.frame
	s.padding = 0
	if f.flags&flagPadded != 0 {
		s.padding = -1
	}
	s.window.left -= int64(f.length)
	if s.stream == nil || s.stream.id != f.stream {
		s.stream = c.streams[f.stream]
	}
	st := s.stream
	switch {
	case f.stream == 0:
	case st == nil && c.idle(f.stream) && !c.holes:
		c.t.broken(nil, side, at, fmt.Sprintf("DATA on stream %d, which is idle (RFC 9113 5.1)", f.stream))
	case st == nil: // it was reset, and the sender does not know yet
	case st.ended[side]:
		c.t.broken(st.x, side, at, "DATA behind END_STREAM (RFC 9113 5.1)")
		s.stream = nil
	case !st.headSeen[side]:
		if !s.unknown {
			c.t.broken(st.x, side, at, "DATA before HEADERS (RFC 9113 8.1)")
		}
		st.window[side].left -= int64(f.length)
	default:
		st.window[side].left -= int64(f.length)
	}
}

// dataBytes takes bytes of a DATA frame's payload.
func (c *http2) dataBytes(s *side2, side fact.Side, at fact.Stamp, p []byte) {
	s.left -= len(p)
	if s.padding < 0 {
		s.padding = int(p[0])
		p = p[1:]
		if s.padding > s.left+len(p) {
			c.t.broken(c.exchangeOf(s.frame.stream), side, at, fmt.Sprintf("padding of %d bytes in a payload of %d (RFC 9113 6.1)", s.padding, s.frame.length))
			s.padding = s.left + len(p)
		}
	}
	if st := s.stream; st != nil {
		if st.headers.expect && side == fact.SideClient && len(p) > 0 {
			c.t.heldBack(st.open, at, "gave_up")
		}
		body := p[:min(len(p), max(s.left+len(p)-s.padding, 0))]
		switch {
		case st.ws != nil && len(body) > 0:
			st.ws.data(c.t, side, at, body)
		case st.tunnel:
			st.message(side).Size += int64(len(body))
			st.message(side).Last = at
		default:
			c.t.take(&st.sink[side], st.message(side), at, body)
		}
	}
	if s.left == 0 {
		c.frameOver(s, side, at, nil)
	}
}

// dataOver ends a DATA frame.
func (c *http2) dataOver(s *side2, side fact.Side, at fact.Stamp) {
	st := s.stream
	if st != nil && s.frame.flags&flagEndStream != 0 {
		c.endStream(st, side, at)
		s.stream = nil
		return
	}
	if s.frame.length == 0 || c.holes {
		return
	}
	if st != nil {
		st.window[side].check(at)
	}
	s.window.check(at)
}

// missing takes note of n missing bytes. Framing goes on where they lie within the payload of one frame.
func (c *http2) missing(side fact.Side, at fact.Stamp, n int64) {
	s := &c.side[side]
	c.holes, s.gap = true, true
	switch {
	case s.lost:
	case n <= 0 || !s.inFrame || n > int64(s.left):
		c.forget(s)
		c.giveUp(s, side, at, "lost bytes hold the start of a frame: frames are not read any further (RFC 9113 4.1)")
	case s.frame.typ == frameData:
		s.left -= int(n)
		s.padding = max(s.padding, 0)
		if st := s.stream; st != nil && st.ws != nil {
			st.ws.missing(c.t, side, at, n)
		} else if st != nil {
			c.t.lack(&st.sink[side], st.message(side), n)
			st.message(side).Last = at
		}
	default:
		s.left -= int(n)
		c.missingControl(s, side, at)
		return
	}
	if s.inFrame && s.left == 0 && !s.lost {
		c.frameOver(s, side, at, nil)
	}
}

// missingControl passes the rest of a frame over whose payload has a hole.
func (c *http2) missingControl(s *side2, side fact.Side, at fact.Stamp) {
	f := &s.frame
	if f.typ == frameHeaders || f.typ == frameContinuation || f.typ == framePushPromise {
		if f.typ == frameHeaders {
			s.block = block{open: true, stream: f.stream, endStream: f.flags&flagEndStream != 0, first: s.first}
		}
		c.forget(s)
		s.fields = s.fields[:0]
		s.block.holes = true
		if f.typ != framePushPromise && f.flags&flagEndHeaders != 0 {
			c.headers(s, side, at)
		}
	}
	f.typ = frameContinuation + 1 // of no interest any more
	if s.left == 0 {
		s.inFrame = false
	}
}
