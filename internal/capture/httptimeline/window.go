package httptimeline

import "github.com/lunette-waf/lunette/internal/fact"

// minBlocked is how long a window must be exhausted to be told, in nanoseconds: a window that fills up for one round trip is no news.
const minBlocked = 100e6

// maxResized bounds the work: each change of the initial window touches every stream.
const maxResized = 100

// window is how many bytes a side may still send (RFC 9113 section 5.2), and since when it is none.
type window struct {
	left    int64
	blocked bool
	since   fact.Stamp
}

// check notes that the window is exhausted.
func (w *window) check(at fact.Stamp) {
	if w.left <= 0 && !w.blocked {
		w.blocked, w.since = true, at
	}
}

// grow adds n and returns for how many nanoseconds the window was exhausted, 0 where it was not or still is.
func (w *window) grow(n int64, at fact.Stamp) int64 {
	w.left += n
	if w.left <= 0 {
		return 0
	}
	return w.free(at)
}

// free ends the waiting.
func (w *window) free(at fact.Stamp) int64 {
	if !w.blocked {
		return 0
	}
	w.blocked = false
	return at.At - w.since.At
}

// blockedFor tells that a side could not send for a while; id is 0 for the connection.
func (c *http2) blockedFor(side fact.Side, at fact.Stamp, id uint32, ns int64) {
	if ns >= minBlocked && !c.holes {
		c.t.tell(side, at, fact.Fact{Kind: fact.HTTP2FlowBlocked, Size: ns, Detail: &fact.HTTP2Frame{Stream: id}})
	}
}

// windowUpdate takes a WINDOW_UPDATE that side sent (section 6.9).
func (c *http2) windowUpdate(side fact.Side, at fact.Stamp, id uint32, n int64) {
	sender := side.Other()
	if n == 0 {
		c.t.broken(c.exchangeOf(id), side, at, "WINDOW_UPDATE of 0 (RFC 9113 6.9)")
	}
	w := &c.side[sender].window
	if id != 0 {
		st := c.streams[id]
		if st == nil {
			if c.idle(id) && !c.holes {
				c.t.broken(nil, side, at, "WINDOW_UPDATE on an idle stream (RFC 9113 5.1)")
			}
			return
		}
		w = &st.window[sender]
	}
	c.blockedFor(sender, at, id, w.grow(n, at))
	if w.left > 1<<31-1 && !c.holes {
		c.t.broken(c.exchangeOf(id), side, at, "window beyond 2^31-1 (RFC 9113 6.9.1)")
		w.left = 1<<31 - 1
	}
}

// initialWindow applies SETTINGS_INITIAL_WINDOW_SIZE to the streams that are open (section 6.9.2).
func (c *http2) initialWindow(side fact.Side, at fact.Stamp, n int64) {
	sender := side.Other()
	delta := n - c.side[sender].initial
	c.side[sender].initial = n
	if c.resized++; c.resized > maxResized {
		c.holes = true // windows are not followed any more
		return
	}
	for st := c.oldest; st != nil; st = st.next {
		c.blockedFor(sender, at, st.id, st.window[sender].grow(delta, at))
	}
}
