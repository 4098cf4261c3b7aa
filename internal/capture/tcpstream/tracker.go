package tcpstream

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Tracker follows all connections of a capture, or of a share of it. It is for one goroutine.
//
// A connection takes less than 1 KiB (counted as 1 KiB in the budget), and 8 to 16 bytes of table; a segment that waits takes its
// bytes, rounded up to a power of two, and 256. Beside the budget a Tracker keeps up to 8 MiB for the next segments and connections.
type Tracker struct {
	cfg   Config
	open  func(*Conn) Handler
	table table
	pool  pool
	stats Stats
	now   int64 // the latest time seen

	over, begun, live list
}

// New returns a Tracker that calls open for each new connection, once it is known who is the client; nil from open means that nobody
// wants to know about it. The Conn may be read until the handler's Done returns.
func New(cfg Config, open func(*Conn) Handler) *Tracker {
	return &Tracker{cfg: cfg.withDefaults(), open: open, table: newTable(rand.Uint64())}
}

// Segment takes the next segment (verdict packet.TCP).
func (t *Tracker) Segment(s *packet.Segment) {
	t.now = max(t.now, s.At)
	c, d := t.table.find(s)
	if c == nil || !c.calm || s.Flags&(packet.SYN|packet.FIN|packet.RST|packet.ACK) != packet.ACK || s.Window == 0 || len(s.Payload) != s.Length {
		t.odd(c, d, s)
		return
	}
	p, o := &c.half[d], &c.half[d^1]
	if p.run.count > 0 || p.shut || s.Seq != uint32(p.next) || int32(s.Ack-uint32(o.next)) > 0 {
		t.odd(c, d, s)
		return
	}
	c.info.Packets[d+1]++
	c.info.End = fact.Stamp{At: s.At, Frame: s.Frame}
	t.touch(c)
	if s.Length == 0 {
		return
	}
	if t.cfg.Silence > 0 && s.At-c.info.Spoke.At >= t.cfg.Silence {
		t.silence(c, s.At)
	}
	c.info.Spoke = c.info.End
	c.info.Bytes[d+1] += int64(s.Length)
	p.next += int64(s.Length)
	p.remember(s)
	c.h.Data(side(d), c.info.End, s.Payload)
}

// Close ends every connection, in the order of their IDs.
func (t *Tracker) Close() {
	all := make([]*conn, 0, t.table.n)
	for _, l := range []*list{&t.over, &t.begun, &t.live} {
		for c := l.oldest; c != nil; c = c.newer {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.info.ID, b.info.ID) })
	for _, c := range all {
		t.finish(c)
	}
	t.pool = pool{}
}

// Stats is what the Tracker saw so far.
func (t *Tracker) Stats() Stats { return t.stats }
