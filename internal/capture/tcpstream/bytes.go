package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// bytes takes the payload of s, which begins at off of direction d. It returns the direction that d is afterwards.
func (t *Tracker) bytes(c *conn, d int, off int64, s *packet.Segment) int {
	p := &c.half[d]
	w := waiter{off: off, data: s.Payload[:min(len(s.Payload), s.Length)], at: fact.Stamp{At: s.At, Frame: s.Frame}}
	w.cut = s.Length - len(w.data)
	if s.Flags&packet.ACK != 0 {
		w.ack = c.half[d^1].abs(s.Ack)
	}
	end := off + int64(s.Length)
	switch {
	case p.over == fact.TCPClosed && end > p.overOff, p.anchored && off-p.next > farthest:
		t.stats.Ignored++
		t.note(c, d, event{kind: fact.TCPOutOfOrder, text: outside, size: int64(s.Length), at: w.at})
		return d
	case !p.anchored || c.h == nil:
		return t.keep(c, d, w, s)
	case end <= p.next:
		t.repeated(c, d, off, s)
		return d
	case off < p.next:
		t.note(c, d, event{kind: fact.TCPRetransmission, text: ofData, size: p.next - off, at: w.at})
		w.trim(p.next)
	}
	t.late(c, d, w)
	if live := p.live(); w.off == p.next && (len(live) == 0 || end <= live[0].off) && !c.blocked(d, w.ack) {
		t.pass(c, d, w)
		return d
	}
	return t.keep(c, d, w, s)
}

// trim takes away what is below off.
func (w *waiter) trim(off int64) {
	n := int(off - w.off)
	w.off = off
	if n <= len(w.data) {
		w.data = w.data[n:]
		return
	}
	w.cut -= n - len(w.data)
	w.data = nil
}

// late tells of a segment that comes after others that stand behind it.
func (t *Tracker) late(c *conn, d int, w waiter) {
	live := c.half[d].live()
	if len(live) == 0 || live[0].off <= w.off {
		if c.half[d].run.count > 0 && w.cut == 0 {
			t.flushRun(c, d)
		}
		return
	}
	e := event{kind: fact.TCPOutOfOrder, size: int64(len(w.data) + w.cut), at: w.at}
	if w.at.At-live[0].at.At > max(disorder, c.trip) {
		e.kind, e.text = fact.TCPRetransmission, ofData
	}
	t.note(c, d, e)
}

// pass hands w on, which is next.
func (t *Tracker) pass(c *conn, d int, w waiter) {
	p := &c.half[d]
	c.since = 0
	if len(w.data) > 0 {
		p.next += int64(len(w.data))
		c.h.Data(side(d), w.at, w.data)
	}
	if w.cut > 0 {
		p.next += int64(w.cut)
		t.cutOff(c, d, w.at, int64(w.cut))
	}
}

// keep lets w wait; when memory is short what is missing before it is given up. It returns the direction that d is afterwards.
func (t *Tracker) keep(c *conn, d int, w waiter, s *packet.Segment) int {
	got, ok := t.hold(c, d, w)
	switch {
	case !ok:
		return t.hurry(c, d, w)
	case got.differ > 0:
		t.note(c, d, event{kind: fact.TCPOverlap, size: got.differ, at: w.at})
	case got.fresh == 0:
		t.repeated(c, d, w.off, s)
	case got.old > 0:
		t.note(c, d, event{kind: fact.TCPRetransmission, text: ofData, size: got.old, at: w.at})
	}
	return d
}

// hurry hands w on now, after all that waits.
func (t *Tracker) hurry(c *conn, d int, w waiter) int {
	first := c.info.Client
	for t.force(c) {
	}
	t.begin(c)
	if c.info.Client != first {
		d ^= 1
	}
	p := &c.half[d]
	if !p.anchored {
		p.anchor(w.off)
	}
	t.gap(c, d, w.off, w.at)
	if w.off+int64(len(w.data)+w.cut) > p.next {
		w.trim(p.next)
		t.pass(c, d, w)
	}
	return d
}

// repeated tells of a segment whose bytes are all there already.
func (t *Tracker) repeated(c *conn, d int, off int64, s *packet.Segment) {
	p := &c.half[d]
	e := event{kind: fact.TCPRetransmission, text: ofData, size: int64(s.Length), at: fact.Stamp{At: s.At, Frame: s.Frame}}
	switch copied, other := p.met(s); {
	case copied:
		p.copies.add(e)
		c.info.Bytes[d+1] -= e.size // they were on the wire once
		return
	case other:
		e.kind, e.text = fact.TCPOverlap, noWord
	case off < p.gapTo && off+int64(s.Length) > p.gapFrom:
		e.kind, e.text = fact.TCPOutOfOrder, tooLate
	}
	t.note(c, d, e)
}
