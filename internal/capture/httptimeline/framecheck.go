package httptimeline

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// begin looks at the header of a frame.
func (c *http2) begin(s *side2, side fact.Side, at fact.Stamp) {
	f := &s.frame
	if string(s.header[:len("HTTP/1.")]) == "HTTP/1." && !c.settingsFor[side] {
		c.giveUp(s, side, at, "an answer in HTTP/1 to the preface of HTTP/2: not read any further (RFC 9113 3.4)")
		return
	}
	if f.length > s.maxFrame && s.gap {
		c.astray(s, side, at)
		return
	}
	if f.length > s.maxFrame && !c.side[side.Other()].lost {
		c.giveUp(s, side, at, fmt.Sprintf("%s of %d bytes, at most %d are allowed: not read any further (RFC 9113 4.2)", frameName(f.typ), f.length, s.maxFrame))
		return
	}
	if what := c.check(s, side, f); what != "" && s.gap {
		c.astray(s, side, at)
		return
	} else if what != "" {
		c.t.broken(c.exchangeOf(f.stream), side, at, what)
	}
	if f.typ == frameData {
		c.beginData(s, side, at)
	}
	if s.left == 0 {
		c.frameOver(s, side, at, nil)
	}
}

// astray gives a side up that makes no sense behind lost bytes: their number was a guess.
func (c *http2) astray(s *side2, side fact.Side, at fact.Stamp) {
	c.giveUp(s, side, at, "no frame where one should begin, behind lost bytes: frames are not read any further (RFC 9113 4.1)")
}

// check returns what the header of a frame breaks, "" where it is sound.
func (c *http2) check(s *side2, side fact.Side, f *frame) string {
	first := !c.settingsFor[side] && !c.holes
	c.settingsFor[side] = true
	switch {
	case s.block.open && (f.typ != frameContinuation || f.stream != s.block.stream):
		s.block = block{}
		c.forget(s)
		return frameName(f.typ) + " within a header block (RFC 9113 6.10)"
	case first && (f.typ != frameSettings || f.flags&flagAck != 0):
		return frameName(f.typ) + " as the first frame, not SETTINGS (RFC 9113 3.4)"
	case f.typ == frameContinuation && !s.block.open:
		return "CONTINUATION without HEADERS (RFC 9113 6.10)"
	}
	return checkShape(f, side)
}

// checkShape holds a frame to the stream and length that its type allows.
func checkShape(f *frame, side fact.Side) string {
	wrong := func(what string) string {
		return fmt.Sprintf("%s %s (RFC 9113 6.%d)", frameName(f.typ), what, int(f.typ)+1)
	}
	switch f.typ {
	case frameData, frameHeaders, framePriority, frameRstStream, framePushPromise, frameContinuation:
		if f.stream == 0 {
			return wrong("on stream 0")
		}
	case frameSettings, framePing, frameGoAway:
		if f.stream != 0 {
			return wrong(fmt.Sprintf("on stream %d", f.stream))
		}
	}
	short := func(want string) string { return wrong(fmt.Sprintf("of %d bytes, not %s", f.length, want)) }
	switch {
	case f.typ == framePriority && f.length != 5:
		return short("5")
	case (f.typ == frameRstStream || f.typ == frameWindowUpdate) && f.length != 4:
		return short("4")
	case f.typ == frameSettings && f.flags&flagAck != 0 && f.length != 0:
		return wrong("acknowledgement with a payload")
	case f.typ == frameSettings && f.length%6 != 0:
		return short("a multiple of 6")
	case f.typ == framePing && f.length != 8:
		return short("8")
	case f.typ == frameGoAway && f.length < 8:
		return short("8 or more")
	case f.typ == framePushPromise && side == fact.SideClient:
		return frameName(f.typ) + " from the client (RFC 9113 8.4)"
	}
	return ""
}
