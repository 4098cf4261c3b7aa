package flow

import "github.com/lunette-waf/lunette/internal/fact"

// front holds the first bytes of a connection until it is clear what they are.
type front struct {
	side    [3]held
	proxied bool // a PROXY protocol header was looked for
	holes   bool // the start is missing, or something at it
	asked   bool // a CONNECT was told
	taken   int  // bytes of the budget
}

// held is what one side sent so far.
type held struct {
	buf    []byte
	pieces []piece
	headAt int // where to go on looking for the end of a head
}

// piece is a part of it: where it ends in buf, or a gap.
type piece struct {
	at  fact.Stamp
	end int
	gap int64
}

func (h *held) add(at fact.Stamp, p []byte) {
	h.buf = append(h.buf, p...)
	h.pieces = append(h.pieces, piece{at: at, end: len(h.buf)})
}

func (h *held) hole(at fact.Stamp, n int64) {
	h.pieces = append(h.pieces, piece{at: at, end: len(h.buf), gap: n})
}

// first is when the first bytes came.
func (h *held) first() fact.Stamp {
	if len(h.pieces) == 0 {
		return fact.Stamp{}
	}
	return h.pieces[0].at
}

// drop forgets the first n bytes and returns when the last of them came.
func (h *held) drop(n int) (at fact.Stamp) {
	found := false
	kept := h.pieces[:0]
	for _, p := range h.pieces {
		if !found && p.end >= n {
			at, found = p.at, true
		}
		if p.end > n {
			p.end -= n
			kept = append(kept, p)
		}
	}
	h.buf, h.pieces, h.headAt = h.buf[n:], kept, 0
	return at
}

// head is the length of the message head at the start with its empty line, 0 while that is not there.
func (h *held) head() int {
	n := headEnd(h.buf, h.headAt)
	h.headAt = max(0, len(h.buf)-len("\n\r\n"))
	return n
}

// replay hands on what is held, with its own times.
func (h *held) replay(data func(fact.Stamp, []byte), gap func(fact.Stamp, int64)) {
	from := 0
	for _, p := range h.pieces {
		if p.gap > 0 {
			gap(p.at, p.gap)
			continue
		}
		data(p.at, h.buf[from:p.end])
		from = p.end
	}
}

const (
	mostHeld  = maxHead + 4<<10 // bytes of one side that wait
	pieceCost = 64              // bytes that a piece counts for
)
