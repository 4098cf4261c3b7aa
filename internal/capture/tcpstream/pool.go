package tcpstream

import (
	"math/bits"

	"github.com/lunette-waf/lunette/internal/fact"
)

// slot is a place in a stream whose bytes wait; piece says which.
type slot struct {
	off, end int64
	*piece
}

// piece is a segment that waits, or a part of one.
type piece struct {
	ack     int64 // the other stream must be delivered up to here first
	at      fact.Stamp
	data    []byte // nil: these bytes were cut off by the snaplen
	buf     *buffer
	arrived int64 // half.next at that time
	free    *piece
}

// buffer holds the payload of one segment for its pieces.
type buffer struct {
	refs  int
	class int
	n     int // of bytes, those in use
	bytes []byte
	free  *buffer
}

const (
	pieceCost = 256     // of the budget for a waiting segment beside its bytes: buffer, and pieces and slots, two at most for each segment
	keptBytes = 4 << 20 // bytes of buffers that a pool keeps for later; not in the budget
	minClass  = 6       // the smallest buffer has 64 bytes
)

// pool keeps what waiting segments are made of for the next ones.
type pool struct {
	pieces  *piece
	npieces int
	buffers [40]*buffer // by log2 of their size
	kept    int         // bytes in buffers
	slots   [][]slot
	conns   *conn
	nconns  int
}

// class is the log2 of the buffer for n bytes.
func class(n int) int { return max(minClass, bits.Len(uint(max(n, 1)-1))) }

// cost is what a waiting segment of n bytes takes of the budget.
func cost(n int) int { return pieceCost + 1<<class(n) }

// buffer copies p, with one reference.
func (l *pool) buffer(p []byte) *buffer {
	k := class(len(p))
	b := l.buffers[k]
	if b == nil {
		b = &buffer{class: k, bytes: make([]byte, 1<<k)}
	} else {
		l.buffers[k], b.free = b.free, nil
		l.kept -= 1 << k
	}
	b.refs = 1
	b.n = copy(b.bytes, p)
	return b
}

// keep takes back a buffer that nobody refers to.
func (l *pool) keep(b *buffer) {
	if l.kept+1<<b.class <= keptBytes {
		l.kept += 1 << b.class
		b.free, l.buffers[b.class] = l.buffers[b.class], b
	}
}

func (l *pool) piece() *piece {
	q := l.pieces
	if q == nil {
		return new(piece)
	}
	l.pieces = q.free
	l.npieces--
	*q = piece{}
	return q
}

func (l *pool) freePiece(q *piece) {
	if l.npieces < 8192 {
		q.data, q.buf, q.free = nil, nil, l.pieces
		l.pieces = q
		l.npieces++
	}
}

// take returns an empty list of slots.
func (l *pool) take() []slot {
	if n := len(l.slots); n > 0 {
		s := l.slots[n-1]
		l.slots = l.slots[:n-1]
		return s
	}
	return make([]slot, 0, 16)
}

func (l *pool) give(s []slot) {
	if len(l.slots) < 64 && cap(s) <= 4096 {
		l.slots = append(l.slots, s[:0])
	}
}

func (l *pool) conn() *conn {
	c := l.conns
	if c == nil {
		return new(conn)
	}
	l.conns, l.nconns = c.next, l.nconns-1
	*c = conn{}
	return c
}

func (l *pool) freeConn(c *conn) {
	if l.nconns < 1024 {
		*c = conn{next: l.conns}
		l.conns, l.nconns = c, l.nconns+1
	}
}
