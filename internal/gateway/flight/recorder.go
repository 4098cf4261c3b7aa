package flight

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Recorder owns the memory of all tapes of a process, and watches them. It is safe for concurrent use.
type Recorder struct {
	cfg   Config
	arena *arena

	logMost int64 // bytes of logs of all tapes
	logged  atomic.Int64
	refused atomic.Int64
	early   atomic.Int64
	stalled atomic.Int64
	clock   atomic.Int64 // when the watch looked last, nanoseconds since the Unix epoch: asking the system costs each request
	floor   atomic.Int64 // silences begin no earlier, as clock
	pause   atomic.Int64 // between two looks of the watch, nanoseconds
	armed   atomic.Pointer[[]*Armed]

	mu     sync.Mutex // taken after a tape's
	open   []*tape
	shares []*share
	rich   *share // held most when memory was lacking last
	hand   int    // in shares: where the search for memory goes on
	shut   bool

	kick chan struct{} // wakes the watch
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Stats is the state of a recorder, for metrics.
type Stats struct {
	Open    int64 // tapes of connections that last
	Limit   int64 // bytes that all tapes may hold
	Used    int64 // bytes of these that tapes hold now, those of ended connections included
	Refused int64 // tapes so far that could not keep all bytes that they should, or gave some up, because the memory was used up
	Early   int64 // ended connections so far that were wiped before Linger was over, to make room
	Stalls  int64 // stalls so far
	Locked  bool  // what is held cannot be swapped out
}

// New makes a recorder and starts its watch; Close ends it.
func New(cfg Config) (*Recorder, error) {
	if cfg.Memory <= 0 {
		cfg.Memory = 64 << 20
	}
	if cfg.Linger <= 0 {
		cfg.Linger = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{cfg: cfg, logMost: cfg.Memory / 8, kick: make(chan struct{}, 1)}
	r.arena = newArena(cfg.Memory-r.logMost, cfg.Log)
	r.pause.Store(int64(longestPause))
	r.quicken(cfg.Linger)
	r.clock.Store(time.Now().UnixNano())
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.wg.Go(func() { r.watch(ctx) })
	if cfg.Stalled != nil {
		r.wg.Go(func() { r.listen(ctx) })
	}
	return r, nil
}

// For is the recorder for connections of one site and leg; nil where the mode is Off.
func (r *Recorder) For(s Settings) exchange.Flight {
	if s.Mode != Facts && s.Mode != Packets {
		return nil
	}
	if s.StallAfter > 0 {
		r.quicken(s.StallAfter)
	}
	return &site{r, s, r.shareOf(s.Site)}
}

// site opens the tapes of one site.
type site struct {
	r     *Recorder
	set   Settings
	share *share
}

// Open implements exchange.Flight.
func (s *site) Open(c exchange.Taped) exchange.Tape {
	r := s.r
	t := &tape{r: r, share: s.share, set: s.set, about: c, seat: -1, now: c.Start.UnixNano()}
	t.bytes = s.set.Mode == Packets
	t.secrets = t.bytes && (s.set.Leg == OriginLeg || r.watched(&s.set))
	t.init()
	r.mu.Lock()
	if r.shut {
		r.mu.Unlock()
		return nil
	}
	t.place = len(r.open)
	r.open = append(r.open, t)
	r.mu.Unlock()
	r.tell(t, func() ArmedEvent { return ArmedEvent{} })
	return t
}

// closed moves a tape to those that are over.
func (r *Recorder) closed(t *tape) {
	r.mu.Lock()
	if r.shut || t.place < 0 {
		r.mu.Unlock()
		return
	}
	last := len(r.open) - 1
	moved := r.open[last]
	r.open[t.place], r.open[last] = moved, nil
	moved.place, r.open = t.place, r.open[:last]
	t.place = -1
	t.share.remove(t)
	t.share.ended.push(t)
	r.mu.Unlock()
	if r.watched(&t.set) {
		r.wake()
	}
}

// wake makes the watch look at once.
func (r *Recorder) wake() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Close ends the watch, wipes what is held, and gives the memory back. Tapes that are still open keep facts only from then on.
func (r *Recorder) Close() {
	r.mu.Lock()
	if r.shut {
		r.mu.Unlock()
		return
	}
	r.shut = true
	all := r.open
	for _, s := range r.shares {
		for t := s.ended.pop(); t != nil; t = s.ended.pop() {
			all = append(all, t)
		}
		s.open = nil
	}
	r.open = nil
	r.mu.Unlock()
	r.stop()
	r.wg.Wait()
	r.arena.stop()
	for _, t := range all {
		t.mu.Lock()
		t.wipe()
		t.mu.Unlock()
	}
	r.arena.close()
	if list := r.armed.Load(); list != nil {
		for _, a := range *list {
			a.Close()
		}
	}
}

// Stats returns the state of now.
func (r *Recorder) Stats() Stats {
	used, locked := r.arena.stats()
	r.mu.Lock()
	open := len(r.open)
	r.mu.Unlock()
	return Stats{
		Open: int64(open), Limit: r.cfg.Memory, Used: used + r.logged.Load(), Refused: r.refused.Load(), Early: r.early.Load(),
		Stalls: r.stalled.Load(), Locked: locked,
	}
}
