package analysis

import (
	"container/heap"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// LiveConfig says what is watched and what is kept. Zero values mean the defaults.
type LiveConfig struct {
	Secrets    *secrets.Store   // may fill while packets come; nil: none
	Filter     Filter           // connections that are looked at
	Flow       flow.Config      // as of Config; KeyLog is set
	TCP        tcpstream.Window // how long segments wait for those before them
	StallAfter time.Duration    // silence after which a connection is judged while it lasts; default 3.5 s
	Again      time.Duration    // between two judgements of a connection that goes on, for each 64 KiB that are kept of it; default 2 s
	Keep       time.Duration    // how long a connection that is over is kept for late secrets and as a neighbour of others; default 5 s, at least 4 s
	Memory     int64            // bytes of all that is kept; default 128 MiB: three quarters for packets, the rest for neighbours
	PerConn    int              // bytes of packets of one connection; default 1 MiB: a quarter, 64 KiB at most, for the beginning, the rest for the end; less under pressure
	MaxConns   int              // at once; default 50,000, of which those without a byte of data are at most a quarter
	Judged     func(*Judgement) // hears of every judgement, from the goroutine that calls Advance, Run or Close; must be set
}

// Judgement is what the checks say about a connection at a moment.
type Judgement struct {
	Flow   *flow.Flow // frames count all packets that Live was given
	Result check.Result
	New    []finding.Finding // of Result: those that no earlier judgement of this connection had, or had with less confidence, or while what they tell lasted
	At     time.Time         // when, by the clock of the packets
	Lasts  bool              // the connection goes on
	Whole  bool              // all of its packets are kept
	before []finding.Code    // of New, those that were told before
	over   []finding.Code    // of New, those that were told while they lasted, and last no more
	kept   *kept
	places map[int64]int64 // of packets in kept, by number; nil until Frame was asked
}

// Bounds and times that nobody sets, nanoseconds and bytes.
const (
	defaultStallAfter = 3500 * time.Millisecond
	defaultAgain      = 2 * time.Second
	defaultLiveKeep   = 5 * time.Second
	leastLiveKeep     = 4 * time.Second // longer than tcpstream waits for late segments
	defaultLiveMemory = 128 << 20
	defaultPerConn    = 1 << 20
	leastPerConn      = 16 << 10
	defaultLiveConns  = 50_000
	settle            = int64(100 * time.Millisecond) // after an end, for what crosses it
	resumed           = int64(time.Second)            // after a stall that went on
	rarely            = int64(time.Hour)
	connWeight        = 768 // bytes of a connection beside its packets
)

func (c LiveConfig) filled() (LiveConfig, error) {
	if c.Judged == nil {
		return c, errors.New("watch connections: nobody is to hear of judgements")
	}
	if c.Secrets == nil {
		c.Secrets = secrets.New()
	}
	if c.StallAfter <= 0 {
		c.StallAfter = defaultStallAfter
	}
	if c.Again <= 0 {
		c.Again = defaultAgain
	}
	if c.Keep <= 0 {
		c.Keep = defaultLiveKeep
	}
	c.Keep = max(c.Keep, leastLiveKeep)
	if c.Memory <= 0 {
		c.Memory = defaultLiveMemory
	}
	if c.PerConn <= 0 {
		c.PerConn = defaultPerConn
	}
	c.PerConn = max(c.PerConn, leastPerConn)
	if c.MaxConns <= 0 {
		c.MaxConns = defaultLiveConns
	}
	c.Flow.KeyLog = true
	return c, nil
}

// Live judges connections while they last: when one ends, when it falls silent, when secrets come late, and now and then while it goes on.
//
// A judgement reads the packets that are kept of the connection as Run reads a file, and asks the checks. Packet may be called by one
// goroutine while another is in Advance or Run; of these there must be one at a time.
type Live struct {
	cfg   LiveConfig
	judge judge

	mu        sync.Mutex
	decoder   *packet.Decoder
	segment   packet.Segment
	fragments fragments
	conns     map[tuple]*liveConn
	due       dueHeap
	old       [2]lruList // without data, with data: those that were quiet for longest first
	lacking   map[*liveConn]struct{}
	now, last int64 // the clock; time of the last packet
	frame     int64
	lost      int64 // when the source was last known to have lost packets
	held      int64 // bytes
	known     uint64
	stats     LiveStats

	beside neighbours
}

// LiveStats counts what Live saw.
type LiveStats struct {
	Packets, Bytes int64 // taken
	Ignored        int64 // packets of no TCP connection, or of one that the filter leaves out
	Connections    int64
	Open           int   // now
	Opened, Sealed int64 // connections with TLS of which records were opened, or none, once they were forgotten
	Judgements     int64
	Evicted        int64 // given up for want of room
	Unjudged       int64 // of these, such as were not judged as they stood
	Held           int64 // bytes, now
	Busy           int64 // nanoseconds that judging took
}

// NewLive returns a Live that has seen nothing.
func NewLive(cfg LiveConfig) (*Live, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	l := &Live{cfg: cfg, decoder: packet.New(), conns: map[tuple]*liveConn{}, lacking: map[*liveConn]struct{}{}}
	l.beside = newNeighbours(cfg.Memory / 4)
	l.judge.cfg = &l.cfg
	return l, nil
}

// Packet takes the next packet; p is copied. Its number is set where it has none.
func (l *Live) Packet(p *pcap.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frame = max(l.frame+1, p.Number)
	p.Number = l.frame
	l.last = max(l.last, p.At)
	l.now = max(l.now, p.At)
	s := &l.segment
	verdict := l.decoder.Decode(p, s)
	switch {
	case verdict == packet.Fragment:
		l.fragments.add(p)
		return
	case verdict != packet.TCP && verdict != packet.ICMPError,
		!l.cfg.Filter.wantsEnds(s.Src, s.Dst):
		l.stats.Ignored++
		return
	}
	c := l.conn(s, verdict)
	if c == nil {
		l.stats.Ignored++
		return
	}
	l.stats.Packets++
	l.stats.Bytes += int64(p.Length)
	l.held -= int64(c.kept.size)
	c.kept.most = l.share()
	if len(s.Payload) > len(p.Data) { // put together of several
		l.fragments.each(func(f *pcap.Packet) { c.kept.add(f, 0) })
	}
	c.kept.add(p, s.Length)
	l.held += int64(c.kept.size)
	l.follow(c, s, verdict)
	l.makeRoom()
}

// share is how many bytes of packets a connection may keep: less where there are so many that not all have room.
func (l *Live) share() int {
	most := l.cfg.Memory / 4 * 3
	if l.held < most/4*3 || len(l.conns) == 0 {
		return l.cfg.PerConn
	}
	return int(min(max(most/2/int64(len(l.conns)), leastPerConn), int64(l.cfg.PerConn)))
}

// conn is the connection of s, a new one where there is none; nil for what begins none.
func (l *Live) conn(s *packet.Segment, v packet.Verdict) *liveConn {
	t := tupleOf(s.Src, s.Dst)
	c := l.conns[t]
	if c != nil && c.ended && v == packet.TCP && s.Flags&(packet.SYN|packet.ACK) == packet.SYN && s.At-c.at >= int64(leastLiveKeep) {
		l.unlink(c) // the ports are used again: what was there stays in the heap until it is judged
		c = nil
	}
	if c != nil || v != packet.TCP || s.Flags&packet.RST != 0 {
		return c
	}
	c = &liveConn{ends: t, start: s.At, at: s.At, heard: s.At, kept: newKept(l.cfg.PerConn), told: map[told]telling{}}
	l.conns[t] = c
	l.old[0].push(c)
	c.due = s.At + int64(l.cfg.StallAfter)
	heap.Push(&l.due, c)
	l.held += connWeight
	l.stats.Connections++
	return c
}

// follow notes what a segment means for when its connection is looked at next.
func (l *Live) follow(c *liveConn, s *packet.Segment, v packet.Verdict) {
	c.at, c.dirty, c.quiet = max(c.at, s.At), true, 0
	l.touch(c, s.Length > 0)
	if v == packet.TCP {
		c.note(s)
	}
	if v == packet.ICMPError || s.Length > 0 || s.Flags&(packet.SYN|packet.FIN|packet.RST) != 0 {
		c.heard = c.at
		if c.stalled {
			c.stalled = false
			l.sooner(c, c.at+resumed)
		}
	}
	if c.ended || v == packet.ICMPError {
		l.sooner(c, c.at+settle)
	}
}

func (l *Live) sooner(c *liveConn, at int64) {
	if at < c.due && c.place >= 0 {
		c.due = at
		heap.Fix(&l.due, c.place)
	}
}

// Dropped says that the source has lost packets: connections of now may lack some, so that what they do not show is no proof.
func (l *Live) Dropped() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = max(l.now, 1)
}

// Stats is what was seen so far.
func (l *Live) Stats() LiveStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Open, s.Held = len(l.conns), l.held+l.beside.held.Load()
	s.Busy = l.judge.busy.Load()
	return s
}

// Told reports whether an earlier judgement of the connection had the cause.
func (j *Judgement) Told(code finding.Code) bool { return slices.Contains(j.before, code) }

// Over reports whether an earlier judgement had the cause while it lasted, and it lasts no more.
func (j *Judgement) Over(code finding.Code) bool { return slices.Contains(j.over, code) }

// Write writes the packets of the connection as pcapng, with those secrets alone that open it. It may be called once the judgement
// was heard; until the judgement is forgotten the packets stay in memory.
func (j *Judgement) Write(w io.Writer) error { return j.kept.write(w, j.Flow.KeyLog) }

// Frame is the number in what Write writes of the packet with a number of Live's; 0 where it was not kept. It is for one goroutine.
func (j *Judgement) Frame(number int64) int64 {
	if j.places == nil {
		j.places = map[int64]int64{}
		n := int64(0)
		j.kept.each(func(p *pcap.Packet) bool {
			n++
			j.places[p.Number] = n
			return true
		})
	}
	return j.places[number]
}
