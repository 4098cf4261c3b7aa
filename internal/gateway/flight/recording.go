package flight

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// Record is the header of a TLS record, and when it crossed.
type Record struct {
	At     time.Time
	Side   fact.Side
	Type   uint8
	Length int // payload bytes
}

// Records implements Taper.
func (t *tape) Records() (last []Record, count [2]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.headers.all {
		h := t.headers.at(i)
		last = append(last, Record{time.Unix(0, h.at), h.side, h.typ, int(h.length)})
	}
	return last, [2]int64{t.lanes[0].records, t.lanes[1].records}
}

// Recording implements Taper.
func (t *tape) Recording() *recording.Recording {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.recording()
}

// recording is a copy of what is kept; t.mu is held.
func (t *tape) recording() *recording.Recording {
	if t.wiped {
		return nil
	}
	r := &recording.Recording{
		ID: t.about.ConnID, Client: t.about.Client, Server: t.about.Server, Name: t.about.Name,
		Start: t.about.Start, Connect: t.about.Connect, End: t.ended,
		KeyLog: t.keyLog(), Facts: slices.Clone(t.facts), Short: t.lacked,
	}
	if r.End.IsZero() {
		r.End = time.Now()
	}
	slices.SortStableFunc(r.Facts, func(a, b fact.Fact) int { return a.At.Compare(b.At) })
	var all []timed
	for i := range t.lanes {
		all = t.pieces(all, i, &r.Omitted)
	}
	for _, e := range t.ends { // what one side says after the other has ended stands behind that
		all = append(all, timed{recording.Piece{At: time.Unix(0, e.at), Side: e.side, End: e.how}, e.at, math.MaxInt64})
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.nth, b.nth)) })
	for _, p := range all {
		r.Pieces = append(r.Pieces, p.Piece)
	}
	return r
}

// timed is a piece with its place in time, where times do not tell.
type timed struct {
	recording.Piece
	at, nth int64
}

// cut is a place in a lane where the time of what follows is known.
type cut struct {
	off, at, nth int64
}

// cuts are the cuts of lane i, in order.
func (t *tape) cuts(i int) (out []cut) {
	for n, m := range t.first {
		if m.lane() == i {
			out = append(out, cut{m.off(), m.at, int64(n)})
		}
	}
	var late []cut
	before := int64(len(t.first)) + t.marks.n - int64(len(t.marks.all))
	for n := range t.marks.all {
		if m := *t.marks.at(n); m.lane() == i {
			late = append(late, cut{m.off(), m.at, before + int64(n)})
		}
	}
	if t.marks.n > int64(len(t.marks.all)) { // some are forgotten: pages know times too
		out = t.lanes[i].times(out, late, before)
	}
	return append(out, late...)
}

// whole begins cuts at the first byte of the lane, whatever is known of its time.
func (t *tape) whole(l *lane, cuts []cut) []cut {
	if len(cuts) > 0 && cuts[0].off == 0 {
		return cuts
	}
	first := cut{at: t.now}
	switch {
	case len(l.head) > 0:
		first.at = l.head[0].at
	case len(cuts) > 0:
		first = cut{at: cuts[0].at, nth: cuts[0].nth}
	}
	return append([]cut{first}, cuts...)
}

// times appends what pages know of times between what out and late know.
func (l *lane) times(out, late []cut, nth int64) []cut {
	from, to := int64(-1), l.off
	if len(out) > 0 {
		from = out[len(out)-1].off
	}
	if len(late) > 0 {
		to = late[0].off
	}
	n := len(out)
	for _, all := range [2][]block{l.head, l.ring} {
		for i := range all {
			if b := &all[i]; b.base > from && b.base < to {
				out = append(out, cut{b.base, b.at, nth})
			}
		}
	}
	slices.SortFunc(out[n:], func(a, b cut) int { return cmp.Compare(a.off, b.off) })
	return out
}

// pieces appends the pieces of lane i. What lies in its hole is one piece that says how much it was; where nothing is kept, each piece is.
func (t *tape) pieces(out []timed, i int, omitted *int64) []timed {
	l := &t.lanes[i]
	if l.off == 0 {
		return out
	}
	cuts := t.whole(l, t.cuts(i))
	from, to := l.hole()
	nothing := len(l.head) == 0
	*omitted += to.off - from.off
	for n, c := range cuts {
		end := l.off
		if n+1 < len(cuts) {
			end = cuts[n+1].off
		}
		p := timed{Piece: recording.Piece{At: time.Unix(0, c.at), Side: fact.Side(i + 1)}, at: c.at, nth: c.nth}
		if nothing {
			p.Lost, p.Until = end-c.off, p.At
			out = append(out, p)
			continue
		}
		if before := min(end, from.off); before > c.off {
			q := p
			q.Data = l.copy(make([]byte, 0, before-c.off), c.off, before)
			out = append(out, q)
		}
		if from.off >= c.off && from.off < end {
			q := p
			q.lose(l, from, to, cuts)
			out = append(out, q)
		}
		if start := max(c.off, to.off); start < end {
			q := p
			q.Data = l.copy(make([]byte, 0, end-start), start, end)
			out = append(out, q)
		}
	}
	return out
}

// chained is how many bytes of one record may open the next: a block of the largest cipher in use.
const chained = 16

// lose makes p the hole.
func (p *timed) lose(l *lane, from, to bound, cuts []cut) {
	p.Lost, p.Until = to.off-from.off, p.At
	for _, c := range cuts {
		if c.off < to.off {
			p.Until = time.Unix(0, c.at)
		}
	}
	if l.records == 0 || !l.walking || from.nth < 0 || to.off == l.off {
		return
	}
	p.Records = to.nth - from.nth
	p.Tail = l.chain(nil, to.off)
}
