package flight

import "time"

// retry is how long a connection that got no memory does without, before it asks again.
const retry = time.Second

// What a tape may give up so that others have memory, the mildest first.
const (
	shedNothing = iota
	shedEnd     // the last bytes, and go on from here
	shedMiddle  // also all but leastHead of the first
	shedAll     // bytes and secrets for good: it keeps facts
)

// leastHead is how much of the beginning stays of a connection for which others lack memory, bytes each way: a handshake, in most cases.
const leastHead = 16 << 10

// spare is the mildest that t could give up to set a page free; t.mu is held.
func (t *tape) spare() int {
	how := shedNothing
	for i := range t.lanes {
		l := &t.lanes[i]
		switch {
		case len(l.ring) > 0:
			return shedEnd
		case len(l.head) > leastHead/blockSize:
			how = shedMiddle
		case len(l.head) > 0 && how == shedNothing:
			how = shedAll
		}
	}
	if how == shedNothing && len(t.keys) > 0 {
		how = shedAll
	}
	return how
}

// shed gives up so much; t.mu is held.
func (t *tape) shed(how int) {
	var pages []*page
	for i := range t.lanes {
		l := &t.lanes[i]
		switch how {
		case shedEnd:
			pages = l.resume(pages, len(l.head))
		case shedMiddle:
			pages = l.resume(pages, leastHead/blockSize)
		case shedAll:
			pages = l.release(pages)
		}
	}
	if how == shedAll {
		pages = append(pages, t.keys...)
		t.keys, t.bytes, t.secrets = nil, false, false
	}
	t.lack()
	t.r.arena.give(t.share, pages...)
}

// lack notes that t does not hold what it should, for want of memory; t.mu is held.
func (t *tape) lack() {
	t.asked = t.now
	if !t.lacked {
		t.lacked = true
		t.r.refused.Add(1)
	}
}

// again lets lanes that got no memory ask once more; t.mu is held.
func (t *tape) again() {
	if t.now-t.asked < int64(retry) {
		return
	}
	t.asked = t.now
	for i := range t.lanes {
		if l := &t.lanes[i]; l.full && len(l.head) > 0 && len(l.ring) == 0 {
			l.resume(nil, len(l.head))
			l.full = false
		}
	}
}

// resume takes the ring and all but so many blocks of the head out of the lane, which goes on from here with a new ring.
func (l *lane) resume(pages []*page, blocks int) []*page {
	keep := min(blocks, len(l.head))
	if len(l.ring) == 0 && l.off <= int64(keep)*blockSize || keep == 0 {
		return pages
	}
	if len(l.ring) > 0 || l.off != l.resumed.off || l.off == l.headCap { // else nothing crossed since it went on last
		l.resumeHere()
	}
	l.cutAt(keep)
	for _, all := range [2][]block{l.head[keep:], l.ring} {
		for i := range all {
			pages = append(pages, all[i].mem)
		}
		clear(all)
	}
	l.head, l.ring = l.head[:keep], l.ring[:0]
	l.headCap, l.ringCap = int64(keep)*blockSize, l.most
	return pages
}

// resumeHere notes what the ring needs to know of what stands before it.
func (l *lane) resumeHere() {
	if !l.full { // else it has them
		tail := l.copy(make([]byte, 0, chained), max(l.off-chained, 0), l.off)
		l.lacks = chained - copy(l.before[chained-len(tail):], tail)
	}
	l.resumed = bound{l.off, -1}
	if l.walking && l.n == 0 && l.skip == 0 {
		l.resumed.nth = l.records
	}
}

// cutAt says where the last record begins that begins in so many blocks of the head, as far as that is known.
func (l *lane) cutAt(blocks int) {
	end := int64(blocks) * blockSize
	if l.cut.off <= end {
		return
	}
	l.cut.off = -1
	if blocks < len(l.head) && l.head[blocks].from.off == end {
		l.cut = l.head[blocks].from
		return
	}
	for i := blocks - 1; i >= 0; i-- {
		if from := l.head[i].from; from.off >= 0 {
			l.cut = from
			return
		}
	}
}

// release takes all pages out of the lane.
func (l *lane) release(pages []*page) []*page {
	for _, all := range [2][]block{l.head, l.ring} {
		for i := range all {
			pages = append(pages, all[i].mem)
		}
	}
	l.head, l.ring, l.headCap, l.ringCap, l.full = nil, nil, 0, 0, true
	return pages
}
