package analysis

import (
	"hash/fnv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/finding"
)

// liveConn is one connection that Live follows: the packets of it, and when it is looked at next.
type liveConn struct {
	ends   tuple
	start  int64 // times in nanoseconds since the Unix epoch
	at     int64 // of the last packet
	heard  int64 // of the last that says something: no mere acknowledgement
	judged int64 // when it was judged last
	due    int64
	place  int // in the heap, -1 when it is not there
	quiet  int // judgements since the last packet

	ended   bool // reset, or closed by both
	fin     [2]bool
	dirty   bool // packets came since it was judged
	stalled bool // judged while somebody owed something
	opened  bool // a new secret may open more
	gone    bool // no longer in the table: it is forgotten once it was judged
	data    bool // bytes were sent

	kept     kept
	told     map[told]telling
	random   [][]byte // of ClientHellos whose secrets are lacking
	latest   []*flow.Flow
	besides  uint64 // version of the neighbours that it was judged with
	released bool
	prev     *liveConn
	next     *liveConn
	list     *lruList
}

// told names a cause of one of the flows of a connection.
type told struct {
	flow uint64
	code finding.Code
}

// telling is how a cause was told last.
type telling struct {
	confidence finding.Confidence
	lasted     bool   // the connection went on
	stalled    bool   // and somebody owed something
	words      uint64 // hash of the sentence
}

// over reports whether what was told while it lasted is told to its end by f.
func (t *telling) over(f *finding.Finding, lasts, stalled bool) bool {
	return (t.lasted && !lasts || t.stalled && !stalled) && t.words != wordsOf(f)
}

func wordsOf(f *finding.Finding) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(f.Summary))
	return h.Sum64()
}

// note takes notice of the ends of a connection.
func (c *liveConn) note(s *packet.Segment) {
	switch {
	case s.Flags&packet.SYN != 0:
		c.ended, c.fin = false, [2]bool{}
	case s.Flags&packet.RST != 0:
		c.ended = true
	case s.Flags&packet.FIN != 0:
		d := 0
		if s.Src == c.ends.high {
			d = 1
		}
		c.fin[d] = true
		c.ended = c.ended || c.fin[0] && c.fin[1]
	}
}

// lruList is connections in the order of their last packets.
type lruList struct {
	first, last *liveConn
	n           int
}

func (l *lruList) push(c *liveConn) {
	c.list, c.prev, c.next = l, l.last, nil
	if l.last != nil {
		l.last.next = c
	} else {
		l.first = c
	}
	l.last = c
	l.n++
}

func (l *lruList) remove(c *liveConn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.last = c.prev
	}
	c.list, c.prev, c.next = nil, nil, nil
	l.n--
}

// touch makes c the one that was heard last.
func (l *Live) touch(c *liveConn, data bool) {
	if c.list == nil {
		return
	}
	c.data = c.data || data
	to := &l.old[0]
	if c.data {
		to = &l.old[1]
	}
	if c.list == to && to.last == c {
		return
	}
	c.list.remove(c)
	to.push(c)
}

// unlink takes c out of the table: later packets belong to another connection.
func (l *Live) unlink(c *liveConn) {
	if c.gone {
		return
	}
	c.gone = true
	delete(l.conns, c.ends)
	c.list.remove(c)
	l.sooner(c, l.now)
}

// forget lets go of c, which is not in the heap any more.
func (l *Live) forget(c *liveConn) {
	if c.released {
		return
	}
	c.released = true
	if !c.gone {
		delete(l.conns, c.ends)
		c.list.remove(c)
		c.gone = true
	}
	delete(l.lacking, c)
	for _, f := range c.latest {
		switch {
		case f.TLS != nil && f.TLS.Decrypted > 0:
			l.stats.Opened++
		case f.TLS != nil:
			l.stats.Sealed++
		}
	}
	l.held -= int64(c.kept.size) + connWeight
	c.kept, c.latest, c.told = kept{}, nil, nil
}

// makeRoom gives connections up until what is kept is within its bounds: those without data first, where there are many, then those
// that were quiet for longest.
func (l *Live) makeRoom() {
	most := l.cfg.Memory / 4 * 3
	for l.held > most || len(l.conns) > l.cfg.MaxConns || l.old[0].n > max(1, l.cfg.MaxConns/4) || len(l.due) > 2*l.cfg.MaxConns {
		from := &l.old[1]
		if l.old[0].n > 0 && (from.n == 0 || l.old[0].n > l.cfg.MaxConns/4 || l.old[0].first.at <= from.first.at || l.old[0].n > from.n/4) {
			from = &l.old[0]
		}
		c := from.first
		if c == nil { // those that are only to be judged yet
			if len(l.due) == 0 {
				return
			}
			c = l.due[0]
		}
		l.stats.Evicted++
		if c.dirty {
			l.stats.Unjudged++
		}
		l.drop(c)
	}
}

// fragments are packets that wait for the last piece of theirs, so that it can be kept with them.
type fragments struct {
	all []pcap.Packet
}

const mostFragments = 64

func (f *fragments) add(p *pcap.Packet) {
	if len(f.all) >= mostFragments {
		f.all = append(f.all[:0], f.all[1:]...)
	}
	one := *p
	one.Data = append([]byte(nil), p.Data...)
	f.all = append(f.all, one)
}

// each hands all of them out, those of others among them, and forgets them.
func (f *fragments) each(yield func(*pcap.Packet)) {
	for i := range f.all {
		yield(&f.all[i])
	}
	f.all = nil
}

// dueHeap is the connections by when they are looked at next.
type dueHeap []*liveConn

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *dueHeap) Push(x any) {
	c := x.(*liveConn)
	c.place = len(*h)
	*h = append(*h, c)
}
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.place = -1
	return c
}
