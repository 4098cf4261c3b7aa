package httptimeline

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// stream is an exchange on HTTP/2.
type stream struct {
	*open
	id         uint32
	sink       [3]sink
	headSeen   [3]bool // its final head
	ended      [3]bool // END_STREAM
	window     [3]window
	ws         *wsConn
	prev, next *stream
}

// message is what a side sends on the stream.
func (st *stream) message(side fact.Side) *Message {
	if side == fact.SideClient {
		return &st.x.Request
	}
	return &st.x.Response
}

// open adds a stream that side began; o may be nil. The oldest one makes room where there are too many.
func (c *http2) open(side fact.Side, id uint32, o *open) *stream {
	if len(c.streams) >= maxOpen {
		c.oldest.x.Reset = fmt.Sprintf("given up: more than %d exchanges are open", maxOpen)
		c.close(c.oldest)
	}
	if o == nil {
		o = c.t.begin(id)
	}
	st := &stream{open: o, id: id, prev: c.newest}
	for _, s := range [...]fact.Side{fact.SideClient, fact.SideServer} {
		st.window[s].left = c.side[s].initial
	}
	if c.newest != nil {
		c.newest.next = st
	} else {
		c.oldest = st
	}
	c.newest = st
	c.streams[id] = st
	c.highest[side] = max(c.highest[side], id)
	return st
}

// close takes a stream out and reports its exchange.
func (c *http2) close(st *stream) {
	delete(c.streams, st.id)
	if st.prev != nil {
		st.prev.next = st.next
	} else {
		c.oldest = st.next
	}
	if st.next != nil {
		st.next.prev = st.prev
	} else {
		c.newest = st.prev
	}
	for i := range c.side {
		if c.side[i].stream == st {
			c.side[i].stream = nil
		}
	}
	for side := fact.SideClient; side <= fact.SideServer; side++ {
		c.t.finish(&st.sink[side], st.message(side), st.message(side).Complete)
	}
	if st.ws != nil {
		st.ws.flush(c.t)
	}
	c.t.report(st.x)
	c.t.report(nil)
}

// opener is which side may open a stream (RFC 9113 section 5.1.1).
func opener(id uint32) fact.Side {
	if id&1 == 1 {
		return fact.SideClient
	}
	return fact.SideServer
}

// idle reports whether nobody has used the stream yet.
func (c *http2) idle(id uint32) bool { return id > c.highest[opener(id)] }

// endStream ends what a side sends.
func (c *http2) endStream(st *stream, side fact.Side, at fact.Stamp) {
	if st.ended[side] {
		return
	}
	m := st.message(side)
	st.ended[side] = true
	m.Last = at
	if m.Head != nil && m.Head.Length >= 0 && m.Head.Length != m.Size+m.Missing && c.bodyAllowed(st, side) && m.Missing == 0 {
		c.t.broken(st.x, side, at, fmt.Sprintf("content-length %d, but %d bytes of DATA (RFC 9113 8.1.1)", m.Head.Length, m.Size))
	}
	c.t.finish(&st.sink[side], m, true)
	kind := fact.RequestDone
	if side == fact.SideServer {
		kind = fact.ResponseDone
	}
	c.t.tell(side, at, fact.Fact{Kind: kind, Code: int(st.id), Size: m.Size + m.Missing})
	st.reqDone, st.respDone = st.ended[fact.SideClient], st.ended[fact.SideServer]
	if st.over() {
		c.close(st)
	}
}

// bodyAllowed reports whether a message can have a body: a response to HEAD announces one that does not come.
func (c *http2) bodyAllowed(st *stream, side fact.Side) bool {
	return side == fact.SideClient || st.method != "HEAD" && st.x.Response.Head.Status != 304
}
