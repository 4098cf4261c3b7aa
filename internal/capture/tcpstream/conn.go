package tcpstream

import "github.com/lunette-waf/lunette/internal/fact"

// connCost is what a connection takes of the budget, bytes: the struct, its place in the table, and rounding.
const connCost = 1024

// conn is one connection. Before it is open, half 0 is the sender of its first packet; afterwards it is the client.
type conn struct {
	hash uint64
	next *conn // in its bucket
	info Conn
	h    Handler // nil until it is open
	half [2]half

	// calm: open, both streams known, nothing waits, nothing to count: see Tracker.Segment.
	calm      bool
	connected bool // TCPConnected was told
	dead      bool // reset, or closed by both
	reused    bool // it followed another on the same ports
	waiting   int  // segments
	bytes     int  // of them
	since     int  // segments since the first that waits, or since the last progress
	synAt     int64
	synAckAt  int64
	trip      int64 // round trip of the handshake, nanoseconds, 0 when unknown

	older, newer *conn // in the list that the connection is on
	list         *list
}

// half is one direction. Sequence numbers are 64 bits wide: the low 32 are those of the wire, and the first is 1<<32 or more.
type half struct {
	next   int64 // the next byte to deliver
	fin    int64 // 1 once the FIN counts as delivered, or is taken for granted
	acked  int64 // the most that the other side acknowledged
	base   int64 // of its SYN + 1, 0 when that is unknown
	low    int64 // the lowest number of its own segments, and of the other's acknowledgements: for the start
	ackLow int64

	known    bool // numbers have a frame of reference
	anchored bool // next is where the stream begins or goes on
	syn      bool // its SYN or SYN-ACK was seen
	seen     bool // any segment of it was
	absent   bool // nothing of it is captured: the other side waits for it no more
	ended    bool // End was called
	over     fact.Kind
	overOff  int64 // of FIN or RST
	overAck  int64
	overAt   fact.Stamp

	saidSyn, saidSynAck bool
	reset               bool  // an RST of it was seen
	shut                bool  // its window is zero
	shutAt              int64 // since when

	wait []slot // in order of the stream, none overlaps another
	head int    // of the first in wait

	marks   [4]mark // the last segments, for copies
	mark    uint8
	run     event
	copies  event
	gapFrom int64 // the last gap
	gapTo   int64
}

// mark remembers a segment.
type mark struct {
	at       int64
	seq, len uint32
	id, sum  uint32
}

// abs widens a sequence number of this direction; known must hold.
func (p *half) abs(seq uint32) int64 { return p.next + int64(int32(seq-uint32(p.next))) }

// learn gives the numbers a frame of reference.
func (p *half) learn(seq uint32) int64 {
	if !p.known {
		p.known = true
		p.next = 1<<32 + int64(seq)
		p.acked = p.next
		p.gapFrom, p.gapTo = 0, 0
	}
	return p.abs(seq)
}

// live is what waits.
func (p *half) live() []slot { return p.wait[p.head:] }

// lowest remembers the lower of two numbers, where 0 is none.
func lowest(a, b int64) int64 {
	if a == 0 || b < a {
		return b
	}
	return a
}

// side names direction d.
func side(d int) fact.Side { return fact.Side(d + 1) }
