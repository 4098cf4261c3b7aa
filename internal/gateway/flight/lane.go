package flight

import (
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// pager gives out pages; nil where there is none.
type pager interface{ page() *page }

// lane is one direction of a connection: its beginning, its end, and where its records begin. It belongs to the tape's lock.
type lane struct {
	// What each piece touches, close together.
	off     int64 // bytes that crossed
	last    int64 // when the last of them did, nanoseconds since the Unix epoch; 0: none did
	headCap int64 // bytes, whole blocks
	ringCap int64
	resumed bound   // where the ring begins: at headCap, or later where memory was lacking; nth is -1 within a record
	ring    []block // bytes from resumed on, over and over
	full    bool    // no memory was to be had: nothing more is kept

	// The walk over record headers.
	walking bool
	hdr     [tlswire.RecordHeaderLen]byte
	n       int   // bytes in hdr
	skip    int   // bytes of the record that were not seen yet
	records int64 // that began

	head   []block       // bytes from 0
	cut    bound         // where the last record begins that begins in the head
	most   int64         // what ringCap was meant to be
	before [chained]byte // what stands before resumed, unless that is headCap
	lacks  int           // bytes of before that are not known
}

// bound is the beginning of a record.
type bound struct {
	off int64 // in the stream; -1: none
	nth int64 // records before it
}

// block is a page of a lane, and what is known of the bytes that it holds now.
type block struct {
	mem  *page
	base int64 // in the stream, of its first byte
	at   int64 // when that came
	from bound // the first record that begins in it
}

func (l *lane) init(bytes int, tls bool) {
	const head = 16 << 10 // a handshake, in most cases
	up := func(n int) int64 { return int64(n+blockSize-1) / blockSize * blockSize }
	l.headCap = up(max(bytes/2, head))
	l.most = max(up(bytes)-l.headCap, blockSize)
	l.ringCap, l.resumed = l.most, bound{l.headCap, -1}
	l.walking, l.cut.off = tls, -1
}

// keep copies p, which begins at l.off.
func (l *lane) keep(a pager, at int64, p []byte) {
	for off := l.off; len(p) > 0 && !l.full; {
		b := l.place(a, off)
		if b == nil {
			l.full, l.lacks = true, chained
			break
		}
		i := int(off % blockSize)
		if base := off - int64(i); b.base != base {
			b.base, b.at, b.from.off = base, at, -1
		}
		n := copy(b.mem[i:], p)
		off, p = off+int64(n), p[n:]
	}
	if len(p) > 0 {
		l.pass(p)
	}
}

// pass keeps the last of p, which nobody keeps: it may open what follows.
func (l *lane) pass(p []byte) {
	p = p[max(len(p)-chained, 0):]
	copy(l.before[:], l.before[len(p):])
	copy(l.before[chained-len(p):], p)
	l.lacks = max(l.lacks-len(p), 0)
}

// place is the block for the byte at off, which is the next one; nil: there is no memory for it.
func (l *lane) place(a pager, off int64) *block {
	all, i := &l.head, int(off/blockSize)
	if off >= l.headCap {
		if l.ringCap == 0 {
			return nil
		}
		all, i = &l.ring, l.slot(off)
	}
	if i < len(*all) {
		return &(*all)[i]
	}
	mem := a.page()
	switch {
	case mem != nil:
		*all = append(*all, block{mem: mem, base: -1})
		return &(*all)[i]
	case off < l.headCap:
		l.headCap, l.ringCap, l.resumed = off, 0, bound{off, -1}
		return nil
	}
	if l.ringCap = int64(i) * blockSize; i == 0 {
		return nil
	}
	return &l.ring[0] // a shorter ring
}

// slot is which block of the ring holds the byte at off.
func (l *lane) slot(off int64) int {
	return int((off - l.resumed.off/blockSize*blockSize) % l.ringCap / blockSize)
}

// at is the block that holds the byte at off, nil where that is not kept (any more).
func (l *lane) at(off int64) *block {
	all, i := l.head, int(off/blockSize)
	if off >= l.headCap {
		if l.ringCap == 0 || off < l.resumed.off {
			return nil
		}
		all, i = l.ring, l.slot(off)
	}
	if i >= len(all) || all[i].base != off/blockSize*blockSize {
		return nil
	}
	return &all[i]
}

// begins notes that a record begins at off.
func (l *lane) begins(off int64) {
	if off <= l.headCap {
		l.cut = bound{off, l.records}
	}
	if b := l.at(off); b != nil && b.from.off < 0 {
		b.from = bound{off, l.records}
	}
	l.records++
}

// walk follows the record headers in p, which side s sent and which begins at l.off, for t. p was kept before.
func (l *lane) walk(p []byte, s fact.Side, t *tape) {
	for off := l.off; len(p) > 0; {
		if l.skip > 0 {
			n := min(l.skip, len(p))
			l.skip -= n
			off, p = off+int64(n), p[n:]
			continue
		}
		if l.n == 0 {
			l.begins(off)
		}
		n := copy(l.hdr[l.n:], p)
		l.n += n
		off, p = off+int64(n), p[n:]
		if !tlswire.PlausibleRecord(l.hdr[:l.n]) {
			l.walking = false
			l.records--
			return
		}
		if l.n == len(l.hdr) {
			l.n, l.skip = 0, int(l.hdr[3])<<8|int(l.hdr[4])
			t.record(s, l.hdr[:])
		}
	}
}

// hole is what is not kept between the head and the tail: [from, to), with the records that begin in it (nth is -1 where that is not
// known). Both are bounds of records where the bytes are records; to is l.off where no tail is kept. No hole is [l.off, l.off).
func (l *lane) hole() (from, to bound) {
	end := bound{l.off, l.records}
	kept := min(l.off, int64(len(l.head))*blockSize)
	if kept == l.off {
		return end, end
	}
	oldest := end
	if !l.full && len(l.ring) > 0 {
		oldest.off = l.resumed.off
		if gone := l.off - l.ringCap; gone > oldest.off/blockSize*blockSize { // the page that it lies in is being written over
			oldest.off = (gone + blockSize - 1) / blockSize * blockSize
		}
		if oldest.off == kept {
			return end, end // nothing was overwritten yet
		}
		oldest = l.tail(oldest.off, end)
	}
	from = bound{kept, -1}
	if l.cut.off >= 0 && l.cut.off <= kept {
		from = l.cut
	}
	return from, oldest
}

// tail is the first place from off on at which a record begins, such that the bytes before it are kept; without records, off itself.
func (l *lane) tail(off int64, end bound) bound {
	switch {
	case l.records == 0 || !l.walking:
		return bound{off, l.records}
	case off == l.resumed.off && l.resumed.nth >= 0:
		return l.resumed
	}
	for from := off; off < l.off; off = (off/blockSize + 1) * blockSize {
		if b := l.at(off); b != nil && b.from.off >= from+chained {
			return b.from
		}
	}
	return end
}

// chain appends the last bytes before off, as far as they are known.
func (l *lane) chain(dst []byte, off int64) []byte {
	if off == l.resumed.off && off > l.headCap {
		return append(dst, l.before[l.lacks:]...)
	}
	return l.copy(dst, max(off-chained, l.resumed.off), off)
}

// copy appends the bytes of [from, to) to dst, all of which are kept.
func (l *lane) copy(dst []byte, from, to int64) []byte {
	for from < to {
		b := l.at(from)
		if b == nil {
			return dst
		}
		i := from % blockSize
		n := min(blockSize-i, to-from)
		dst = append(dst, b.mem[i:i+n]...)
		from += n
	}
	return dst
}
