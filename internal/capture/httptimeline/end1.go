package httptimeline

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/fact"
)

// end1 ends a side; a reset ends both.
func (t *Timeline) end1(side fact.Side, at fact.Stamp, how fact.Kind) {
	h := &t.h1.half[side]
	if h.state == inJunk && len(h.buf) > 0 {
		t.tellJunk(side, h, bytes.TrimRight(h.buf, "\r\n"))
	}
	if t.h1.ws != nil {
		t.h1.ws.flush(t)
	}
	t.endMessage(side, h, at, how)
	if how == fact.TCPReset && !t.ended[side.Other()] {
		t.endMessage(side.Other(), &t.h1.half[side.Other()], at, how)
	}
	if side == fact.SideServer || how == fact.TCPReset || t.ended[side.Other()] {
		for len(t.h1.open) > 0 {
			t.endExchange(t.h1.open[0], how)
		}
	}
}

// endMessage ends the message that a side is within.
func (t *Timeline) endMessage(side fact.Side, h *half, at fact.Stamp, how fact.Kind) {
	o := h.cur
	if o == nil {
		if o = t.awaiting(); o != nil && side == fact.SideServer && h.state == atStart && len(h.buf) > 0 && how != fact.None {
			t.cutShort(o.x, side, at, "head", 0)
		}
		return
	}
	if how != fact.None && (h.msg == nil || h.msg.Missing == 0) { // else the end may be among the missing bytes
		switch h.state {
		case inHead:
			t.cutShort(o.x, side, at, "head", 0)
		case inFixed:
			t.cutShort(o.x, side, at, "body", h.left)
		case inChunkSize, inChunkData, inChunkEnd, inTrailer:
			t.cutShort(o.x, side, at, "body", 0)
		}
	}
	if h.msg != nil {
		whole := how == fact.TCPClosed && (h.state == inUntilClose || h.state == inTunnel || h.state == inWebSocket)
		if whole && h.sink.look.coding != "" && h.msg.Missing == 0 {
			t.lookedOver(&h.sink, h.msg, at)
		}
		t.finish(&h.sink, h.msg, whole)
		if whole && h.state == inUntilClose {
			t.tell(side, at, fact.Fact{Kind: fact.ResponseDone, Size: h.msg.Size + h.msg.Missing})
		}
		o.respDone = o.respDone || whole && side == fact.SideServer
	}
	o.reqDone = o.reqDone || side == fact.SideClient
	h.cur, h.msg = nil, nil
	if o.over() {
		t.close1(o)
	}
}

// endExchange ends what can go on no more.
func (t *Timeline) endExchange(o *open, how fact.Kind) {
	switch {
	case o.tunnel && how == fact.TCPClosed:
	case o.tunnel:
		o.x.Reset = t.ending(how)
	case o.x.Response.Head == nil && o.lost:
		o.x.Reset = responseLost
	case o.x.Response.Head == nil:
		o.x.Reset = t.ending(how) + " before the response"
	case !o.respDone:
		o.x.Reset = t.ending(how) + " within the response"
	case !o.reqDone:
		o.x.Reset = t.ending(how) + " within the request"
	}
	t.close1(o)
}

// responseLost says that a response came, or began to come, that nobody can show.
const responseLost = "response lost: its bytes are missing or stayed closed"

// ending says how a connection ended. Where the capture lacks the end of one side, that of the other counts.
func (t *Timeline) ending(how fact.Kind) string {
	switch {
	case how == fact.TCPReset:
		return "reset"
	case how == fact.TCPClosed || t.closed:
		return "connection closed"
	}
	return "capture ends"
}
