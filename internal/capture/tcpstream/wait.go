package tcpstream

import "github.com/lunette-waf/lunette/internal/fact"

// waiter is a segment that is to wait.
type waiter struct {
	off  int64
	data []byte
	cut  int // bytes after data that the snaplen cut off
	ack  int64
	at   fact.Stamp
}

// held is what became of a waiter.
type held struct {
	fresh  int64 // bytes that were not there
	old    int64 // bytes that were
	differ int64 // of these, that say something else
}

// hold lets w wait on c for its turn; what waits there already is kept. False: memory is short, and nothing was kept.
func (t *Tracker) hold(c *conn, d int, w waiter) (held, bool) {
	if !t.cfg.Budget.Take(cost(len(w.data))) {
		return held{}, false
	}
	p, buf := &c.half[d], t.pool.buffer(w.data)
	if p.wait == nil {
		p.wait = t.pool.take()
	}
	c.waiting++
	c.bytes += buf.n
	in := insert{t: t, c: c, p: p, buf: buf, ack: w.ack, at: w.at}
	in.first = p.find(w.off)
	end := w.off + int64(len(w.data))
	in.put(w.off, end, buf.bytes[:buf.n])
	in.put(end, end+int64(w.cut), nil)
	if wrong := p.settle(in.first, in.last); wrong != 0 && wrong == c.half[d^1].acked {
		c.half[d^1].acked = w.ack
	}
	t.drop(c, buf)
	t.tidy(p)
	return in.held, true
}

// drop lets one reference to a buffer go.
func (t *Tracker) drop(c *conn, b *buffer) {
	if b.refs--; b.refs > 0 {
		return
	}
	c.waiting--
	c.bytes -= b.n
	t.cfg.Budget.Give(cost(b.n))
	t.pool.keep(b)
}

// insert is one call of hold.
type insert struct {
	held
	t           *Tracker
	c           *conn
	p           *half
	buf         *buffer
	ack         int64
	at          fact.Stamp
	first, last int // indices of the slots that it made or touched
}

// put lets [off, end) wait, as far as it does not; data is nil for bytes that were cut off.
func (in *insert) put(off, end int64, data []byte) {
	p := in.p
	i := p.find(off)
	for pos := off; pos < end; i++ {
		if i == len(p.wait) || p.wait[i].off >= end {
			in.add(i, pos, end, part(data, off, pos, end))
			return
		}
		if s := p.wait[i]; s.off > pos {
			in.add(i, pos, s.off, part(data, off, pos, s.off))
			pos = s.off
			continue
		}
		s := &p.wait[i]
		if s.end <= pos {
			continue // what replace left of a slot
		}
		upto := min(end, s.end)
		if s.data == nil && data != nil {
			in.replace(i, pos, upto)
			i-- // at the place that it made, or before what is left of the slot
			continue
		}
		in.old += upto - pos
		if data != nil {
			in.differ += differing(part(data, off, pos, upto), part(s.data, s.off, pos, upto))
		}
		if off <= s.off && s.end <= end {
			s.ack = min(s.ack, in.ack)
		}
		in.last = i
		pos = upto
	}
}

// replace takes [from, to) out of slot i, whose bytes were cut off, so that real ones can stand there.
func (in *insert) replace(i int, from, to int64) {
	p, s := in.p, in.p.wait[i]
	switch {
	case s.off < from && to < s.end:
		rest := in.t.pool.piece()
		*rest = *s.piece
		rest.buf.refs++
		p.wait[i].end = from
		p.at(i+1, slot{off: to, end: s.end, piece: rest})
	case s.off < from:
		p.wait[i].end = from
	case to < s.end:
		p.wait[i].off = to
	default:
		in.t.drop(in.c, s.buf)
		in.t.pool.freePiece(s.piece)
		p.cut(i)
	}
}

// add makes slot i.
func (in *insert) add(i int, off, end int64, data []byte) {
	q := in.t.pool.piece()
	*q = piece{ack: in.ack, at: in.at, data: data, buf: in.buf, arrived: in.p.next}
	in.buf.refs++
	in.p.at(i, slot{off: off, end: end, piece: q})
	in.fresh += end - off
	in.last = i
}

// part is [from, to) of data, which begins at off.
func part(data []byte, off, from, to int64) []byte {
	if data == nil {
		return nil
	}
	return data[from-off : to-off]
}

func differing(a, b []byte) (n int64) {
	if string(a) == string(b) {
		return 0
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
