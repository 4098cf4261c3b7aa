package tcpstream

import "github.com/lunette-waf/lunette/internal/fact"

// hasten gives up what the window does not allow to wait any longer.
func (t *Tracker) hasten(c *conn) {
	w := t.cfg.Window
	for c.waiting > w.Segments || c.bytes > w.Bytes || c.since > w.Segments {
		c.since = 0
		if !t.force(c) {
			return
		}
	}
}

// force gives up what the earliest head waits for. False: nothing waits.
func (t *Tracker) force(c *conn) bool {
	if waited := c.waiting; t.begin(c) {
		if t.drain(c); c.waiting < waited {
			return true
		}
	}
	a, first := c.head(0)
	b, second := c.head(1)
	switch {
	case first && (!second || !before(b.at, a.at)):
		t.release(c, 0, a)
	case second:
		t.release(c, 1, b)
	default:
		return false
	}
	t.drain(c)
	return true
}

// release makes direction d go on with h, its head.
func (t *Tracker) release(c *conn, d int, h turn) {
	p, o := &c.half[d], &c.half[d^1]
	if c.blocked(d, h.ack) {
		theirs, some := c.head(d ^ 1)
		switch {
		case some && (theirs.off >= h.ack || !c.blocked(d^1, theirs.ack)) && theirs.off > o.next:
			t.skip(c, d^1, theirs)
		case some: // each waits for the other
			p.waitNoMore(h)
		case !o.seen || !o.anchored:
			o.absent = true
		case h.ack == o.next+o.fin+1 && o.fin == 0: // its FIN, presumably
			o.fin = 1
		default:
			t.gap(c, d^1, h.ack-o.fin, h.at)
		}
		return
	}
	t.skip(c, d, h)
}

// skip passes over the hole before h, the head of direction d. A lone segment far ahead, below which the stream went on, is no
// part of it.
func (t *Tracker) skip(c *conn, d int, h turn) {
	p := &c.half[d]
	if h.fin || !t.strayed(p) {
		t.gap(c, d, h.off, h.at)
		return
	}
	s := p.pop()
	t.stats.Ignored++
	t.note(c, d, event{kind: fact.TCPOutOfOrder, text: outside, size: s.end - s.off, at: s.at})
	t.drop(c, s.buf)
	t.pool.freePiece(s.piece)
	t.tidy(p)
}

func (t *Tracker) strayed(p *half) bool {
	s := &p.wait[p.head]
	return p.next > s.arrived && s.off-p.next > max(near, int64(t.cfg.Window.Bytes))
}

// waitNoMore makes h, the head, wait for nothing of the other stream.
func (p *half) waitNoMore(h turn) {
	if h.fin {
		p.overAck = 0
		return
	}
	p.wait[p.head].ack = 0
}

// flush delivers all that waits, at the end.
func (t *Tracker) flush(c *conn) {
	for t.force(c) {
	}
	for d := range c.half {
		p := &c.half[d]
		upto := p.acked
		if p.over == fact.TCPReset {
			upto = max(upto, p.overOff)
		}
		if n := upto - p.next - p.fin; c.h != nil && p.anchored && p.over != fact.TCPClosed && (n > 1 || n == 1 && p.over == fact.TCPReset) && n <= farthest {
			t.gap(c, d, upto-p.fin, c.info.End)
		}
	}
}
