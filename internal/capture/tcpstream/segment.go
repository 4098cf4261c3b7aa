package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// odd takes a segment that is not simply the next one of a calm connection.
func (t *Tracker) odd(c *conn, d int, s *packet.Segment) {
	if c != nil && t.foreign(c, d, s) {
		t.finish(c)
		c = nil
	}
	again := false
	if s.Flags&packet.SYN != 0 && c != nil && t.newNumbers(c, d, s) {
		t.finish(c)
		c, again = nil, true
	}
	if c == nil {
		if c, d = t.create(s), 0; c == nil {
			t.stats.Ignored++
			return
		}
		c.reused = again
	}
	t.count(c, d, s)
	switch {
	case s.Flags&packet.RST != 0:
		t.reset(c, d, s)
	case s.Flags&packet.SYN != 0:
		d = t.syn(c, d, s)
	}
	t.acknowledge(c, d, s)
	if s.Flags&packet.RST == 0 {
		t.payload(c, d, s)
	}
	t.drain(c)
	if c.waiting > 0 || c.h == nil {
		if c.since++; c.since > t.cfg.Window.Segments || c.waiting > t.cfg.Window.Segments || c.bytes > t.cfg.Window.Bytes {
			t.hasten(c)
		}
	}
	t.touch(c)
	c.calm = c.quiet()
}

// create begins a connection with s, unless s is what no connection begins with.
func (t *Tracker) create(s *packet.Segment) *conn {
	if s.Flags&packet.RST != 0 || s.Flags&(packet.SYN|packet.FIN) == 0 && s.Length == 0 || !t.room() {
		return nil
	}
	c := t.pool.conn()
	c.hash = s.Hash
	c.info.ID, c.info.Client, c.info.Server = uint64(s.Frame), s.Src, s.Dst
	c.info.Start = fact.Stamp{At: s.At, Frame: s.Frame}
	c.info.Spoke = c.info.Start
	t.table.add(c)
	t.begun.add(c)
	t.stats.Connections++
	return c
}

// count takes note of s, and of the pause before it.
func (t *Tracker) count(c *conn, d int, s *packet.Segment) {
	p := &c.half[d]
	speaks := s.Length > 0 || s.Flags&(packet.SYN|packet.FIN|packet.RST) != 0
	if speaks && !c.keepAlive(d, s) {
		if t.cfg.Silence > 0 && c.h != nil && !c.dead && s.At-c.info.Spoke.At >= t.cfg.Silence {
			t.silence(c, s.At)
		}
		if s.At >= c.info.Spoke.At {
			c.info.Spoke = fact.Stamp{At: s.At, Frame: s.Frame}
		}
	}
	c.info.Packets[d+1]++
	c.info.Bytes[d+1] += int64(s.Length)
	if s.At >= c.info.End.At {
		c.info.End = fact.Stamp{At: s.At, Frame: s.Frame}
	}
	p.seen, p.absent = true, false
}

// quiet reports whether the connection can take the short way.
func (c *conn) quiet() bool {
	if c.h == nil || c.dead || c.waiting > 0 || !c.connected && c.half[0].syn && c.half[1].syn {
		return false
	}
	for i := range c.half {
		p := &c.half[i]
		if !p.anchored || p.absent || p.over != fact.None || p.fin != 0 {
			return false
		}
	}
	return true
}

// keepAlive reports whether s is a keep-alive or a window probe: it repeats the last byte, or none at its place (RFC 9293 section 3.8.4).
func (c *conn) keepAlive(d int, s *packet.Segment) bool {
	p := &c.half[d]
	return p.anchored && len(p.wait) == 0 && s.Length <= 1 && s.Flags&(packet.SYN|packet.FIN|packet.RST) == 0 && s.Seq == uint32(p.next)-1
}

// acknowledge takes note of what s says of the other direction, and of its window.
func (t *Tracker) acknowledge(c *conn, d int, s *packet.Segment) {
	p, o := &c.half[d], &c.half[d^1]
	if s.Flags&packet.RST != 0 {
		return
	}
	if s.Flags&packet.SYN == 0 {
		if n := p.learn(s.Seq); !p.anchored && s.Length == 0 && s.Flags&packet.FIN == 0 {
			p.low = lowest(p.low, n)
		}
	}
	if s.Flags&packet.ACK == 0 {
		return
	}
	ack := o.learn(s.Ack)
	if !o.anchored {
		o.ackLow = lowest(o.ackLow, ack)
	}
	newest := ack >= o.acked
	if newest && ack-o.next <= farthest {
		o.acked = ack
	}
	if newest {
		t.offered(c, d, s)
	}
	if !c.connected && d == 0 && c.h != nil && s.Flags&packet.SYN == 0 && c.half[1].syn && c.half[0].syn {
		t.connect(c, s)
	}
}

// payload takes the bytes of s and its FIN.
func (t *Tracker) payload(c *conn, d int, s *packet.Segment) {
	p := &c.half[d]
	if c.keepAlive(d, s) {
		if !c.half[d^1].shut && c.h != nil {
			t.note(c, d, event{kind: fact.TCPKeepAlive, at: fact.Stamp{At: s.At, Frame: s.Frame}})
		}
		return
	}
	off := p.learn(s.Seq)
	if s.Flags&packet.SYN != 0 {
		off++
	}
	if s.Length > 0 {
		d = t.bytes(c, d, off, s)
		p = &c.half[d]
	}
	if s.Flags&packet.FIN != 0 {
		t.fin(c, d, off+int64(s.Length), s)
	}
	if s.Length > 0 || s.Flags&packet.FIN != 0 {
		p.remember(s)
	}
}
