package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// fin takes a FIN that stands at off of direction d.
func (t *Tracker) fin(c *conn, d int, off int64, s *packet.Segment) {
	p := &c.half[d]
	at := fact.Stamp{At: s.At, Frame: s.Frame}
	live := p.live()
	switch {
	case p.over == fact.TCPClosed && off == p.overOff:
		if s.Length == 0 {
			t.finAgain(c, d, s)
		}
		return
	case p.over != fact.None, p.anchored && (off < p.next || off-p.next > farthest), len(live) > 0 && live[len(live)-1].end > off:
		t.stats.Ignored++
		return
	}
	p.over, p.overOff, p.overAt, p.overAck = fact.TCPClosed, off, at, 0
	if s.Flags&packet.ACK != 0 {
		p.overAck = c.half[d^1].abs(s.Ack)
	}
	if c.h != nil {
		t.tell(c, d, at, fact.Fact{Kind: fact.TCPClosed})
	}
}

func (t *Tracker) finAgain(c *conn, d int, s *packet.Segment) {
	e := event{kind: fact.TCPRetransmission, text: ofFIN, at: fact.Stamp{At: s.At, Frame: s.Frame}}
	if copied, _ := c.half[d].met(s); copied {
		c.half[d].copies.add(e)
		return
	}
	t.note(c, d, e)
}

// reset takes an RST. One whose numbers are far off is ignored, as its receiver would (RFC 5961 section 3.2, roughly).
func (t *Tracker) reset(c *conn, d int, s *packet.Segment) {
	p, o := &c.half[d], &c.half[d^1]
	ok := !p.anchored && !o.anchored
	if p.anchored {
		off := p.abs(s.Seq) - p.next
		ok = off <= near && off >= -near
	} else if s.Flags&packet.ACK != 0 && o.anchored {
		off := o.abs(s.Ack) - o.next
		ok = off <= near && off >= -near
	}
	if !ok {
		t.stats.Ignored++
		return
	}
	if ack := o.abs(s.Ack); s.Flags&packet.ACK != 0 && o.anchored && ack > o.acked && ack-o.next <= near {
		o.acked = ack
	}
	told := p.reset
	p.reset, c.dead = true, true
	at := fact.Stamp{At: s.At, Frame: s.Frame}
	if p.over == fact.None {
		p.over, p.overAt = fact.TCPReset, at
		if p.known {
			p.overOff = p.abs(s.Seq)
		}
	} else if c.h == nil {
		return
	}
	if c.h != nil && !told {
		t.tell(c, d, at, fact.Fact{Kind: fact.TCPReset, Detail: &fact.TCPOptions{WindowScale: -1, Window: int(s.Window), TTL: int(s.TTL), IPID: s.IPID}})
	}
}

// end tells that direction d is over.
func (t *Tracker) end(c *conn, d int, at fact.Stamp, how fact.Kind) {
	t.flushRun(c, d)
	c.half[d].ended = true
	c.h.End(side(d), at, how)
	c.dead = c.dead || c.half[0].ended && c.half[1].ended
}

// finish ends c: what waits is delivered, and c is forgotten.
func (t *Tracker) finish(c *conn) {
	t.begin(c)
	t.drain(c)
	t.flush(c)
	for d := range c.half {
		t.flushRun(c, d)
		t.tellCopies(c, d)
	}
	for d := range c.half {
		if p := &c.half[d]; !p.ended && p.over == fact.TCPReset {
			t.end(c, d, p.overAt, fact.TCPReset)
		}
	}
	for d := range c.half {
		if !c.half[d].ended {
			t.end(c, d, c.info.End, fact.None)
		}
	}
	c.h.Done()
	t.table.remove(c)
	c.list.remove(c)
	t.cfg.Budget.Give(connCost)
	t.pool.freeConn(c)
}

// tellCopies tells how many packets of direction d were captured twice.
func (t *Tracker) tellCopies(c *conn, d int) {
	r := &c.half[d].copies
	r.text = duplicate
	t.tellRun(c, d, r)
}
