package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// newNumbers reports whether s, a SYN or SYN-ACK of direction d, begins another connection than c.
func (t *Tracker) newNumbers(c *conn, d int, s *packet.Segment) bool {
	p := &c.half[d]
	if c.h == nil {
		return !t.fits(p, s.Seq+1)
	}
	if p.base == 0 || uint32(p.base) == s.Seq+1 {
		return false
	}
	return s.Flags&packet.ACK == 0 || c.dead || c.info.Bytes[1]+c.info.Bytes[2] > 0
}

// fits reports whether the stream of p, of which some is known, can begin at seq.
func (t *Tracker) fits(p *half, seq uint32) bool {
	if !p.known {
		return true
	}
	off := p.abs(seq)
	first := lowest(lowest(p.low, p.ackLow), off)
	if live := p.live(); len(live) > 0 {
		first = min(first, live[0].off)
	}
	return first >= off && p.next-off <= int64(max(near, t.cfg.Window.Bytes))
}

// foreign reports whether s comes too late for c, or from too far away, to belong to it.
func (t *Tracker) foreign(c *conn, d int, s *packet.Segment) bool {
	if !c.dead {
		return false
	}
	if s.At-c.info.End.At > linger {
		return true
	}
	p := &c.half[d]
	if s.Length == 0 || !p.anchored || s.Flags&packet.SYN != 0 {
		return false
	}
	off := p.abs(s.Seq) - p.next
	return off > near || off < -farthest
}

// syn takes a SYN or SYN-ACK and returns the direction that d is now that the roles are known.
func (t *Tracker) syn(c *conn, d int, s *packet.Segment) int {
	kind, again := fact.TCPSyn, ofSyn
	if s.Flags&packet.ACK != 0 {
		kind, again = fact.TCPSynAck, ofSynAck
	}
	at := fact.Stamp{At: s.At, Frame: s.Frame}
	opened := c.h != nil
	if !opened {
		d = t.orient(c, d, kind == fact.TCPSyn)
	}
	p, o := &c.half[d], &c.half[d^1]
	if opened && p.base != 0 && uint32(p.base) != s.Seq+1 {
		t.stats.Ignored++
		return d
	}
	if !p.anchored {
		p.anchor(p.learn(s.Seq + 1))
	}
	if kind == fact.TCPSynAck && !o.anchored && d == 1 && t.fits(o, s.Ack) {
		o.anchor(o.learn(s.Ack))
	}
	if !opened {
		t.start(c)
	}
	if kind == fact.TCPSyn && d == 0 && !c.half[1].syn {
		c.synAt = s.At
	}
	said := p.saidSyn
	if kind == fact.TCPSynAck {
		said, p.saidSynAck = p.saidSynAck, true
	} else {
		p.saidSyn = true
	}
	if said {
		t.syncAgain(c, d, s, again)
	} else {
		t.tell(c, d, at, fact.Fact{Kind: kind, Detail: offer(s)})
	}
	if kind == fact.TCPSynAck && d == 1 && c.synAt != 0 && s.At >= c.synAt {
		if !said {
			c.trip = s.At - c.synAt
		}
		c.synAckAt = s.At
	}
	p.syn = true
	if s.Length == 0 {
		p.remember(s)
	}
	return d
}

// syncAgain tells of a SYN or SYN-ACK that was sent, or captured, again.
func (t *Tracker) syncAgain(c *conn, d int, s *packet.Segment, what word) {
	e := event{kind: fact.TCPRetransmission, text: what, at: fact.Stamp{At: s.At, Frame: s.Frame}}
	if copied, _ := c.half[d].met(s); copied {
		c.half[d].copies.add(e)
		return
	}
	t.tell(c, d, e.at, fact.Fact{Kind: e.kind, Code: 1, Text: e.text.String()})
}

// anchor says where the stream begins.
func (p *half) anchor(off int64) {
	p.next, p.base, p.anchored = off, off, true
	p.acked = max(p.acked, off)
}

// offer is what a SYN says.
func offer(s *packet.Segment) *fact.TCPOptions {
	return &fact.TCPOptions{MSS: int(s.Options.MSS), WindowScale: int(s.Options.WindowScale) - 1, Window: int(s.Window),
		SACK: s.Options.SACKPermitted, Timestamps: s.Options.HasTimestamps, TTL: int(s.TTL), IPID: s.IPID}
}

// connect tells that the handshake is done: s is the client's answer to the SYN-ACK. The round trip is from SYN to SYN-ACK and
// from there to the ACK: whole wherever the capture was made. Of a SYN sent again the last counts, of a SYN-ACK first and last.
func (t *Tracker) connect(c *conn, s *packet.Segment) {
	c.connected = true
	if c.synAckAt != 0 && c.synAckAt <= s.At {
		c.trip += s.At - c.synAckAt
	} else {
		c.trip = 0
	}
	t.tell(c, 0, fact.Stamp{At: s.At, Frame: s.Frame}, fact.Fact{Kind: fact.TCPConnected, Text: c.info.Server.String(), Size: c.trip})
}
