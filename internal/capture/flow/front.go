package flow

import (
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// front holds the first bytes of a connection until it is clear what they are.
type front struct {
	side    [3]held
	proxied bool // a PROXY protocol header was looked for
	holes   bool // the start is missing, or something at it
	latest  fact.Side
	pieces  int  // that came
	asked   bool // a CONNECT was told
	taken   int  // bytes of the budget
}

// held is what one side sent so far.
type held struct {
	buf    []byte
	pieces []piece
	headAt int // what was searched for the end of a head
	given  int // bytes that next handed on
}

// piece is a part of it: where it ends in buf, or a gap.
type piece struct {
	at  fact.Stamp
	end int
	gap int64
	n   int // its number among those of both sides
}

func (h *held) add(at fact.Stamp, p []byte) {
	h.buf = append(h.buf, p...)
	h.pieces = append(h.pieces, piece{at: at, end: len(h.buf)})
}

// add takes the next piece: bytes, or a gap.
func (f *front) add(side fact.Side, at fact.Stamp, p []byte, gap int64) {
	h := &f.side[side]
	h.add(at, p)
	f.pieces++
	f.latest = side
	last := &h.pieces[len(h.pieces)-1]
	last.gap, last.n = gap, f.pieces
}

// first is when the first bytes came.
func (h *held) first() fact.Stamp {
	if len(h.pieces) == 0 {
		return fact.Stamp{}
	}
	return h.pieces[0].at
}

// serverFirst reports whether the server spoke first.
func (f *front) serverFirst() bool {
	c, s := f.side[fact.SideClient].pieces, f.side[fact.SideServer].pieces
	return len(s) > 0 && (len(c) == 0 || s[0].n < c[0].n)
}

// drop forgets the first n bytes and returns when the last of them came.
func (h *held) drop(n int) (at fact.Stamp) {
	found := false
	kept := h.pieces[:0]
	for _, p := range h.pieces {
		if !found && p.end >= n {
			at, found = p.at, true
		}
		if p.end > n || found && p.gap > 0 {
			p.end -= n
			kept = append(kept, p)
		}
	}
	h.buf, h.pieces, h.headAt = h.buf[n:], kept, 0
	return at
}

// head is the length of the message head at the start with its empty line, 0 while that is not there.
func (h *held) head() int {
	return httptimeline.HeadEnd(h.buf[:min(len(h.buf), maxHead)], &h.headAt)
}

// replay hands on what is held, with its own times, in the order in which it came.
func (f *front) replay(to handsOn) {
	c, s := &f.side[fact.SideClient], &f.side[fact.SideServer]
	for len(c.pieces)+len(s.pieces) > 0 {
		if len(s.pieces) == 0 || len(c.pieces) > 0 && c.pieces[0].n < s.pieces[0].n {
			c.next(fact.SideClient, to)
		} else {
			s.next(fact.SideServer, to)
		}
	}
}

// handsOn takes bytes and gaps of a side.
type handsOn interface {
	Data(side fact.Side, at fact.Stamp, p []byte)
	Gap(side fact.Side, at fact.Stamp, n int64)
}

// next hands the first piece on.
func (h *held) next(side fact.Side, to handsOn) {
	p := h.pieces[0]
	h.pieces = h.pieces[1:]
	if p.gap > 0 {
		to.Gap(side, p.at, p.gap)
		return
	}
	n := p.end - h.given
	data := h.buf[:n]
	h.buf, h.given = h.buf[n:], p.end
	to.Data(side, p.at, data)
}

const (
	mostHeld  = maxHead + 4<<10 // bytes of one side that wait
	pieceCost = 64              // bytes that a piece counts for
)
