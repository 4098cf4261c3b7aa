package tcpstream

import "github.com/lunette-waf/lunette/internal/fact"

// turn is what a direction delivers next: bytes that wait, or its FIN.
type turn struct {
	off, ack int64
	at       fact.Stamp
	fin      bool
}

// head returns the turn of direction d.
func (c *conn) head(d int) (turn, bool) {
	p := &c.half[d]
	if p.head < len(p.wait) {
		s := &p.wait[p.head]
		return turn{off: s.off, ack: s.ack, at: s.at}, true
	}
	if p.over == fact.TCPClosed && !p.ended {
		return turn{off: p.overOff, ack: p.overAck, at: p.overAt, fin: true}, true
	}
	return turn{}, false
}

// blocked reports whether what was sent with an acknowledgement of ack by direction d must wait for the other stream.
func (c *conn) blocked(d int, ack int64) bool {
	o := &c.half[d^1]
	if ack == 0 || o.absent || o.ended {
		return false
	}
	if !o.anchored {
		return true
	}
	ahead := ack - o.next - o.fin
	return ahead > 0 && ahead <= farthest
}

// ready reports whether direction d can deliver its head now.
func (c *conn) ready(d int) (turn, bool) {
	h, ok := c.head(d)
	p := &c.half[d]
	return h, ok && c.h != nil && p.anchored && h.off <= p.next && !c.blocked(d, h.ack)
}

// drain delivers all that can be, the earlier first where both sides can.
func (t *Tracker) drain(c *conn) {
	for moved := false; ; moved = true {
		a, first := c.ready(0)
		b, second := c.ready(1)
		switch {
		case first && (!second || !before(b.at, a.at)):
			t.deliver(c, 0, a)
		case second:
			t.deliver(c, 1, b)
		default:
			if moved {
				c.since = 0
			}
			return
		}
	}
}

func before(a, b fact.Stamp) bool { return a.At < b.At || a.At == b.At && a.Frame < b.Frame }

// deliver hands the head of direction d on.
func (t *Tracker) deliver(c *conn, d int, h turn) {
	p := &c.half[d]
	if h.fin {
		p.fin = 1
		t.end(c, d, h.at, fact.TCPClosed)
		return
	}
	s := p.pop()
	switch from := max(s.off, p.next); {
	case from >= s.end: // delivered in another way
	case s.data == nil:
		p.next = s.end
		t.cutOff(c, d, s.at, s.end-from)
	default:
		p.next = s.end
		c.h.Data(side(d), s.at, s.data[from-s.off:])
	}
	t.drop(c, s.buf)
	t.pool.freePiece(s.piece)
	t.tidy(p)
}

// cutOff tells of n bytes that the snaplen cut off, which are passed already.
func (t *Tracker) cutOff(c *conn, d int, at fact.Stamp, n int64) {
	t.note(c, d, event{kind: fact.TCPGap, text: cutShort, size: n, at: at})
	c.h.Gap(side(d), at, n)
}

// gap passes over the missing bytes of direction d below off; at is what showed them to be missing.
func (t *Tracker) gap(c *conn, d int, off int64, at fact.Stamp) {
	p := &c.half[d]
	n := off - p.next
	if n <= 0 {
		return
	}
	text := "unknown"
	if p.acked >= off {
		text = "lost"
	}
	t.flushRun(c, d)
	t.tell(c, d, at, fact.Fact{Kind: fact.TCPGap, Size: n, Text: text})
	p.gapFrom, p.gapTo = p.next, off
	p.next = off
	c.h.Gap(side(d), at, n)
}
