package httptimeline

import (
	"github.com/lunette-waf/lunette/internal/fact"
)

// missing1 takes note of about n bytes that are lacking.
func (t *Timeline) missing1(side fact.Side, at fact.Stamp, n int64) {
	if t.h2 != nil {
		t.h2.missing(side, at, n)
		return
	}
	h := &t.h1.half[side]
	h.lost = true
	if o := t.awaiting(); side == fact.SideServer && h.cur == nil && o != nil {
		o.lost = true
		o.x.Response.Missing += max(n, 1)
	}
	switch h.state {
	case inFixed, inChunkData:
		t.missingBody(side, h, at, n)
	case inUntilClose:
		t.lack(&h.sink, h.msg, n)
		h.msg.Last = at
	case inTunnel:
		h.msg.Missing += max(n, 1)
	case inChunkSize, inChunkEnd, inTrailer:
		t.lack(&h.sink, h.msg, n)
		t.searchOn(h)
	case inHead:
		t.missingHead(side, h, at)
	case inWebSocket:
		t.h1.ws.missing(t, side, at, n)
	case searching:
		h.buf = h.buf[:0]
	case inJunk, atStart:
		t.searchOn(h)
		t.expectLost(side)
	}
}

// searchOn makes h look for the next start of a message.
func (t *Timeline) searchOn(h *half) {
	h.buf, h.state, h.quiet = h.buf[:0], searching, true
}

// missingBody goes on where the lost bytes lie within a body or chunk of known length, and looks for the next message where not.
func (t *Timeline) missingBody(side fact.Side, h *half, at fact.Stamp, n int64) {
	if n > 0 && n <= h.left {
		t.lack(&h.sink, h.msg, n)
		h.quiet = true
		t.skip(side, h, at, n)
		return
	}
	if h.state == inChunkData {
		t.lack(&h.sink, h.msg, n)
		t.searchOn(h)
		return
	}
	t.lack(&h.sink, h.msg, h.left)
	t.messageOver(side, h, at, false)
	t.searchOn(h)
	if n > 0 {
		t.expectLost(side)
	}
}

// missingHead makes do with what came of a head.
func (t *Timeline) missingHead(side fact.Side, h *half, at fact.Stamp) {
	b := h.buf
	h.buf = h.buf[:0]
	if _, next := lineEnd(string(b)); next > 0 && next < len(b) && t.proto != "" {
		t.headOver(side, h, at, b[:next+lastLine(b[next:])], true)
	} else if h.cur != nil && h.msg != nil {
		t.lack(&h.sink, h.msg, 0)
		t.messageOver(side, h, at, false)
	} else if h.cur != nil { // a response of which nothing is known
		h.cur.lost = true
		h.cur.x.Response.Missing++
		h.cur = nil
	}
	t.searchOn(h)
}

// lastLine is how many bytes of b are whole lines.
func lastLine(b []byte) int {
	for i := len(b); i > 0; i-- {
		if b[i-1] == '\n' {
			return i
		}
	}
	return 0
}

// expectLost makes room for a response to a request that may have been lost.
func (t *Timeline) expectLost(side fact.Side) {
	if side != fact.SideClient || t.awaiting() != nil {
		return
	}
	o := t.begin(0)
	o.reqDone, o.unknown = true, true
	o.x.Request.Missing = 1
	t.h1.open = append(t.h1.open, o)
}
