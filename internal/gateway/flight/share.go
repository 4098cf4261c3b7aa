package flight

import (
	"slices"
	"sync/atomic"
	"time"
)

// Bounds of the search for memory that somebody can do without.
const (
	looksOpen   = 32 // open connections at a time
	looksShares = 64 // sites at a time
)

// spared is how long nothing must have crossed a connection before its own site takes memory of it.
const spared = time.Second

// share is what the connections of one site hold. It belongs to the recorder's lock.
type share struct {
	site   string
	pages  atomic.Int64 // of the arena; changed under its lock
	logged atomic.Int64 // bytes of logs
	open   []*tape      // that last, and hold pages
	ended  queue
	hand   int // in open: where the search for memory goes on
}

// shareOf is the share of a site. Sites come from the configuration, so none is ever forgotten.
func (r *Recorder) shareOf(site string) *share {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shares {
		if s.site == site {
			return s
		}
	}
	s := &share{site: site}
	r.shares = append(r.shares, s)
	return s
}

// add notes that t, which lasts, holds pages.
func (s *share) add(t *tape) {
	t.seat = len(s.open)
	s.open = append(s.open, t)
}

func (s *share) remove(t *tape) {
	if t.seat < 0 {
		return
	}
	last := len(s.open) - 1
	moved := s.open[last]
	s.open[t.seat], s.open[last] = moved, nil
	moved.seat, s.open = t.seat, s.open[:last]
	t.seat = -1
}

// page gives out a page to t, whose lock is held. When all are out, a site that has less than its share gets one of the site that has
// most; any other site gets one of its own. Nil: there is none.
func (r *Recorder) page(t *tape) *page {
	for range 4 {
		if p := r.arena.take(t.share); p != nil {
			if !t.holds {
				t.holds = true
				r.mu.Lock()
				t.share.add(t)
				r.mu.Unlock()
			}
			return p
		}
		if !r.evict(t) {
			return nil
		}
	}
	return nil
}

// evict makes room for t, whose lock is held; false: there is no room to be made.
func (r *Recorder) evict(t *tape) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if fair := r.arena.fair(t.share); t.share.pages.Load() < fair {
		if rich := r.richest(fair); rich != nil && (r.wipeFirst(rich) || rich.shed(t, 0)) {
			return true
		}
	}
	return r.wipeFirst(t.share) || t.share.shed(t, spared)
}

// richest is the site that holds most, of those that were looked at now and the one that was it last; nil where none has more than fair.
func (r *Recorder) richest(fair int64) *share {
	best := r.rich
	for range min(len(r.shares), looksShares) {
		r.hand = (r.hand + 1) % len(r.shares)
		if s := r.shares[r.hand]; best == nil || s.pages.Load() > best.pages.Load() {
			best = s
		}
	}
	if r.rich = best; best == nil || best.pages.Load() <= fair {
		return nil
	}
	return best
}

// wipeFirst wipes the tape of s that ended the longest time ago, unless somebody uses it.
func (r *Recorder) wipeFirst(s *share) bool {
	t := s.ended.first()
	if t == nil || !t.mu.TryLock() {
		return false
	}
	s.ended.pop()
	t.wipe()
	t.mu.Unlock()
	r.early.Add(1)
	return true
}

// shed lets a connection of s that lasts give up what it misses least, for t: one whose origin owes nothing first, then the one that loses
// least, then the one that was idle longest, and at least for so long.
func (s *share) shed(t *tape, idle time.Duration) bool {
	var victim *tape
	var least [3]int64
	for range min(len(s.open), looksOpen) {
		s.hand = (s.hand + 1) % len(s.open)
		v := s.open[s.hand]
		if v == t || !v.mu.TryLock() {
			continue
		}
		how := v.spare()
		cost := [3]int64{0, int64(how), v.now}
		if slices.ContainsFunc(v.turns, func(n turn) bool { return awaits(n.whose) }) {
			cost[0] = 1
		}
		if how == shedNothing || idle > 0 && t.now-v.now < int64(idle) || victim != nil && !cheaper(cost, least) {
			v.mu.Unlock()
			continue
		}
		if victim != nil {
			victim.mu.Unlock()
		}
		victim, least = v, cost
	}
	if victim == nil {
		return false
	}
	if victim.shed(int(least[1])); least[1] == shedAll {
		s.remove(victim)
		victim.holds = false
	}
	victim.mu.Unlock()
	return true
}

func cheaper(a, b [3]int64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// log asks for memory for logs of s, bytes. One site may have four times what it leaves free for others.
func (r *Recorder) log(s *share, n int64) bool {
	free := r.logMost - r.logged.Add(n)
	if free < 0 || s.logged.Add(n) > 4*free {
		if free >= 0 {
			s.logged.Add(-n)
		}
		r.logged.Add(-n)
		return false
	}
	return true
}

func (r *Recorder) unlog(s *share, n int64) {
	n = max(n, 0)
	r.logged.Add(-n)
	s.logged.Add(-n)
}

// warning tells of memory that is used up, once a minute. It belongs to the watch.
type warning struct {
	at   time.Time
	seen int64
}

// warn says that memory was used up since it was said last.
func (r *Recorder) warn(w *warning, now time.Time) {
	lacked := r.refused.Load() + r.early.Load()
	if lacked == w.seen || !w.at.IsZero() && now.Sub(w.at) < time.Minute {
		return
	}
	since := lacked - w.seen
	w.at, w.seen = now, lacked
	r.mu.Lock()
	var most *share
	for _, s := range r.shares {
		if most == nil || s.pages.Load() > most.pages.Load() {
			most = s
		}
	}
	var open int
	if most != nil {
		open = len(most.open)
	}
	r.mu.Unlock()
	if most == nil {
		return
	}
	r.cfg.Log.Warn("flight recorder: flight_memory is used up, so samples of failures lack bytes or secrets of their connections; raise flight_memory, or lower flight_bytes of the site that holds most",
		"flight_memory", r.cfg.Memory, "connections", since, "site", most.site, "site_bytes", most.pages.Load()*blockSize, "site_connections", open)
}
