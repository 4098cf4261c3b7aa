package flight

import (
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Bounds of a tape, beside its bytes.
const (
	mostFirst   = 64  // times of pieces at the beginning
	mostMarks   = 128 // and at the end
	mostRecords = 256
	mostFacts   = 64
	mostKeys    = 4 // pages of secrets
	entrySize   = 16
)

// together is how close to one another what a side sends must come to count as one piece, nanoseconds.
const together = int64(20 * time.Microsecond)

// tape is what is kept of one connection.
type tape struct {
	// What each piece touches, close together.
	mu      sync.Mutex
	now     int64 // the latest time that was passed, nanoseconds since the Unix epoch
	looks   bool  // stalls are looked for
	bytes   bool  // bytes are kept
	secrets bool  // secrets are kept
	holds   bool  // pages
	latest  mark  // what was noted last, so as not to touch where it is kept
	lacked  bool  // no memory was to be had, or it was given up for others
	over    bool
	wiped   bool
	r       *Recorder
	ends    []end
	turns   []turn
	marks   log[mark]
	headers log[header]
	lanes   [2]lane // by side, less one

	first  []mark
	facts  []fact.Fact
	keys   []*page
	keyLen int   // bytes in the last of keys
	asked  int64 // when memory was lacking last, as now
	ended  time.Time

	share *share
	set   Settings
	about exchange.Taped
	place int // in r.open, under r.mu; -1 once it is over
	seat  int // in share.open, under r.mu; -1 while it holds no pages, and once it is over
}

// mark is where something begins that one side sent.
type mark struct {
	at int64
	id int64 // 2*offset + side-1
}

func (m mark) lane() int  { return int(m.id & 1) }
func (m mark) off() int64 { return m.id >> 1 }

// header is the header of a record.
type header struct {
	at     int64
	length uint16
	typ    uint8
	side   fact.Side
}

// end is how one side ended.
type end struct {
	at   int64
	side fact.Side
	how  fact.Kind
}

func (t *tape) init() {
	t.looks = t.set.StallAfter > 0 && t.r.cfg.Stalled != nil
	t.marks.most, t.headers.most = mostMarks, mostRecords
	for i := range t.lanes {
		t.lanes[i].init(t.set.Bytes, t.about.TLS)
		t.lanes[i].full = !t.bytes
	}
}

// page implements pager.
func (t *tape) page() *page {
	p := t.r.page(t)
	if p == nil {
		t.lack()
	}
	return p
}

// Wire implements exchange.Tape.
func (t *tape) Wire(s fact.Side, at int64, p []byte) {
	if len(p) == 0 || s != fact.SideClient && s != fact.SideServer {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.wiped {
		return
	}
	t.now = max(t.now, at) // time does not run backwards
	l := &t.lanes[s-1]
	t.mark(s, l.off)
	l.last = t.now
	if t.lacked {
		t.again()
	}
	if t.bytes {
		l.keep(t, t.now, p)
	}
	if l.walking {
		l.walk(p, s, t)
	}
	l.off += int64(len(p))
}

// mark notes when what begins at off was sent.
func (t *tape) mark(s fact.Side, off int64) {
	m, last := mark{t.now, off<<1 | int64(s-1)}, t.latest
	// After an end the order tells who left first.
	if len(t.ends) == 0 && last.at != 0 && last.lane() == m.lane() && m.at-last.at < together {
		return
	}
	t.latest = m
	switch {
	case len(t.first) < mostFirst && (len(t.first) < cap(t.first) || t.growFirst()):
		t.first = append(t.first, m)
	default:
		t.marks.add(m, t.more)
	}
}

func (t *tape) growFirst() bool {
	grown := max(2*cap(t.first), leastLog)
	if t.marks.n > 0 || grown > leastLog && !t.more(grown-cap(t.first)) {
		return false
	}
	first := make([]mark, len(t.first), grown)
	copy(first, t.first)
	t.first = first
	return true
}

// charged is how many of n entries more was asked for.
func charged(n int) int { return max(n-leastLog, 0) }

// more asks for memory for entries of logs.
func (t *tape) more(entries int) bool { return t.r.log(t.share, int64(entries)*entrySize) }

// record takes the header of a record that s sent.
func (t *tape) record(s fact.Side, h []byte) {
	t.headers.add(header{at: t.now, typ: h[0], length: uint16(h[3])<<8 | uint16(h[4]), side: s}, t.more)
}

// Note implements exchange.Tape.
func (t *tape) Note(f fact.Fact) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wiped {
		return
	}
	if f.At.IsZero() {
		f.At = time.Now()
	}
	if t.over && f.At.After(t.ended) { // that we gave up is said when the connection is closed for it already
		f.At = t.ended
	}
	f.Conn = t.about.ConnID
	switch {
	case f.Kind == fact.TCPClosed || f.Kind == fact.TCPReset:
		t.end(f.At.UnixNano(), f.Side, f.Kind)
	case len(t.facts) < mostFacts:
		t.facts = append(t.facts, f)
	}
}

// end notes how a side ended. A reset ends both; t.mu is held.
func (t *tape) end(at int64, s fact.Side, how fact.Kind) {
	for _, e := range t.ends {
		if e.side == s || e.how == fact.TCPReset {
			return
		}
	}
	t.now = max(t.now, at)
	t.ends = append(t.ends, end{t.now, s, how})
}

// Close implements exchange.Tape.
func (t *tape) Close() {
	now := time.Now()
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return
	}
	t.over, t.ended, t.turns = true, now, nil
	us := fact.SideClient
	if t.set.Leg == ClientLeg {
		us = fact.SideServer
	}
	t.end(now.UnixNano(), us, fact.TCPClosed)
	t.mu.Unlock()
	t.r.closed(t)
}

// wipe gives the memory back; t.mu is held. What was kept is gone.
func (t *tape) wipe() {
	if t.wiped {
		return
	}
	t.wiped = true
	pages := t.keys
	for i := range t.lanes {
		pages = t.lanes[i].release(pages)
	}
	t.keys, t.bytes, t.secrets = nil, false, false
	t.r.arena.give(t.share, pages...)
	t.r.unlog(t.share, int64(charged(cap(t.first))+charged(cap(t.marks.all))+charged(cap(t.headers.all)))*entrySize)
	t.first, t.marks, t.headers = nil, log[mark]{}, log[header]{}
}
