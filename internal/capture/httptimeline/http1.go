package httptimeline

import (
	"github.com/lunette-waf/lunette/internal/fact"
)

// state is what the next byte of a side belongs to.
type state uint8

const (
	atStart state = iota // of a message
	inHead
	inFixed
	inUntilClose
	inChunkSize
	inChunkData
	inChunkEnd
	inTrailer
	inJunk    // the start of what is no message, until it is quoted
	searching // for the next start of a message
	inTunnel  // bytes are counted only
	inWebSocket
)

// http1 is both sides of a connection that speaks HTTP/1.
type http1 struct {
	half [3]half // by fact.Side
	open []*open // in the order of their requests
	ws   *wsConn
}

// half is one side.
type half struct {
	state state
	buf   []byte // an unfinished head, line, or start
	scan  int    // bytes of buf that hold no end of a head
	first fact.Stamp
	left  int64 // of a body or chunk
	cur   *open // whose message is being read
	msg   *Message
	sink  sink
	quiet bool // bytes were lost: what no message begins with is not told
	lost  bool // bytes were lost since the last start of a message
	stray strayStart
}

// strayStart is what a side said first when nobody had spoken HTTP yet.
type strayStart struct {
	seen bool
	at   fact.Stamp
	text string
}

// data1 takes the next bytes of a side.
func (t *Timeline) data1(side fact.Side, at fact.Stamp, p []byte) {
	h := &t.h1.half[side]
	if other := &t.h1.half[side.Other()]; other.state == inJunk && len(other.buf) > 0 {
		t.tellJunk(side.Other(), other, other.buf)
		other.state = searching
	}
	for len(p) > 0 {
		if t.h2 != nil { // a 101 to h2c
			t.h2.data(side, at, p)
			return
		}
		p = t.step(side, h, at, p)
	}
}

// step takes some bytes, or moves to another state, and returns what is left.
func (t *Timeline) step(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	switch h.state {
	case atStart:
		return t.start(side, h, at, p)
	case inHead:
		return t.headBytes(side, h, at, p)
	case inFixed, inChunkData:
		if h.cur.headers.expect && side == fact.SideClient {
			t.heldBack(h.cur, at, "gave_up")
		}
		n := min(h.left, int64(len(p)))
		t.take(&h.sink, h.msg, at, p[:n])
		t.skip(side, h, at, n)
		return p[n:]
	case inUntilClose:
		t.take(&h.sink, h.msg, at, p)
	case inChunkSize, inChunkEnd, inTrailer:
		if h.cur.headers.expect && side == fact.SideClient {
			t.heldBack(h.cur, at, "gave_up")
		}
		return t.chunkFraming(side, h, at, p)
	case inJunk:
		return t.junk(side, h, at, p)
	case searching:
		return t.search(side, h, at, p)
	case inTunnel:
		h.msg.Size += int64(len(p))
		h.msg.Last = at
	case inWebSocket:
		t.h1.ws.data(t, side, at, p)
	}
	return nil
}

// skip moves on by n bytes of a body of fixed length or of a chunk.
func (t *Timeline) skip(side fact.Side, h *half, at fact.Stamp, n int64) {
	if h.left -= n; h.left > 0 {
		return
	}
	if h.state == inChunkData {
		h.state = inChunkEnd
		return
	}
	t.messageOver(side, h, at, true)
}

// messageOver ends the message of a side, and the exchange where it was the last of it.
func (t *Timeline) messageOver(side fact.Side, h *half, at fact.Stamp, complete bool) {
	o := h.cur
	h.state, h.cur = atStart, nil
	if complete {
		h.msg.Last = at
	}
	t.finish(&h.sink, h.msg, complete)
	if side == fact.SideClient {
		o.reqDone = true
		if complete {
			t.tell(side, at, fact.Fact{Kind: fact.RequestDone, Size: h.msg.Size + h.msg.Missing})
		}
	} else {
		o.respDone = true
		if complete {
			t.tell(side, at, fact.Fact{Kind: fact.ResponseDone, Size: h.msg.Size + h.msg.Missing})
		}
	}
	h.msg = nil
	if o.over() {
		t.close1(o)
	}
}

// close1 takes o from the open exchanges and reports it.
func (t *Timeline) close1(o *open) {
	for i, other := range t.h1.open {
		if other == o {
			t.h1.open = append(t.h1.open[:i], t.h1.open[i+1:]...)
			break
		}
	}
	for side := range t.h1.half {
		if h := &t.h1.half[side]; h.cur == o {
			if h.msg != nil {
				t.finish(&h.sink, h.msg, o.tunnel)
			}
			h.cur, h.msg = nil, nil
			t.searchOn(h)
		}
	}
	if o.unknown && o.x.Response.First == (fact.Stamp{}) {
		return // nothing is known of it
	}
	t.report(o.x)
}

// awaiting returns the exchange that the next response belongs to (RFC 9112 section 9.2), nil when there is none.
func (t *Timeline) awaiting() *open {
	for _, o := range t.h1.open {
		if !o.respDone {
			return o
		}
	}
	return nil
}
