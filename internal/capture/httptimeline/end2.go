package httptimeline

import "github.com/lunette-waf/lunette/internal/fact"

// end ends a side. A server that ends, or a reset, ends every stream.
func (c *http2) end(side fact.Side, at fact.Stamp, how fact.Kind) {
	if side == fact.SideClient && how != fact.TCPReset && !c.t.ended[fact.SideServer] {
		return
	}
	for s := fact.SideClient; s <= fact.SideServer; s++ {
		if w := &c.side[s].window; w.blocked && c.oldest != nil {
			c.blockedFor(s, at, 0, w.free(at))
		}
	}
	for c.oldest != nil {
		c.endExchange(c.oldest, at, how)
	}
}

// endExchange ends a stream with its connection.
func (c *http2) endExchange(st *stream, at fact.Stamp, how fact.Kind) {
	c.unblocked(st, at)
	for side := fact.SideClient; side <= fact.SideServer; side++ {
		m := st.message(side)
		if how == fact.None || st.ended[side] || m.Head == nil || st.tunnel || st.ws != nil || c.side[side].lost || m.Missing > 0 {
			continue
		}
		lacks := int64(0)
		if m.Head.Length > 0 {
			lacks = max(m.Head.Length-m.Size-m.Missing, 0)
		}
		c.t.cutShort(st.x, side, at, "body", lacks)
	}
	switch last := c.goAway[fact.SideServer]; {
	case last != 0 && st.id >= last && st.x.Response.Head == nil:
		st.x.Reset = "not processed: behind the last stream of GOAWAY"
	case (st.tunnel || st.ws != nil) && how == fact.TCPClosed:
	case st.tunnel || st.ws != nil:
		st.x.Reset = c.t.ending(how)
	case c.side[fact.SideServer].lost && !st.ended[fact.SideServer]:
		st.x.Reset = responseLost
	case st.x.Response.Head == nil:
		st.x.Reset = c.t.ending(how) + " before the response"
	case !st.ended[fact.SideServer]:
		st.x.Reset = c.t.ending(how) + " within the response"
	default:
		st.x.Reset = c.t.ending(how) + " within the request"
	}
	c.close(st)
}

// unblocked tells of the sides that still waited for window when their stream ended.
func (c *http2) unblocked(st *stream, at fact.Stamp) {
	for side := fact.SideClient; side <= fact.SideServer; side++ {
		if w := &st.window[side]; w.blocked && !st.ended[side] {
			c.blockedFor(side, at, st.id, w.free(at))
		}
	}
}

// awaited says who owes what on the oldest stream where somebody does.
func (c *http2) awaited() (fact.Side, string) {
	if c.side[fact.SideServer].lost {
		return fact.SideNone, nothing // it may have answered
	}
	const most = 64 // streams that are looked at
	for st, n := c.oldest, 0; st != nil && n < most; st, n = st.next, n+1 {
		for side := fact.SideClient; side <= fact.SideServer; side++ {
			if !st.ended[side] && (st.window[side].blocked || c.side[side].window.blocked) {
				return side.Other(), "window update"
			}
		}
		switch {
		case st.x.Upgraded != "":
		case st.headers.expect && st.x.Request.Size == 0:
			return fact.SideServer, "100-continue or body"
		case !st.ended[fact.SideClient] && !st.headSeen[fact.SideServer] && !st.tunnel:
			return fact.SideClient, "request body"
		case !st.headSeen[fact.SideServer]:
			return fact.SideServer, "response"
		case st.ended[fact.SideClient]:
			return fact.SideServer, "rest of the response body"
		}
	}
	return fact.SideNone, nothing
}
