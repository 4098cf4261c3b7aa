package profile

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// entry is what is learned of one origin. What every attempt touches is atomic, the rest lies under mu.
type entry struct {
	requests, failures, kept, http2, slow atomic.Uint64
	statuses                              [6]atomic.Uint64
	last                                  atomic.Int64 // nanoseconds since the epoch
	certAsked                             atomic.Bool
	base                                  baseline
	idle                                  idler
	changed                               atomic.Bool // something was learned since it was stored
	saved                                 atomic.Uint64
	savedAt                               atomic.Int64

	mu     sync.Mutex
	p      Profile
	untold []Drift
}

func newEntry(p Profile) *entry {
	e := &entry{p: p}
	e.idle.init()
	e.changed.Store(true)
	return e
}

// total is how many attempts there were.
func (e *entry) total() uint64 { return e.requests.Load() }

// count takes what every attempt adds. It reports whether it is time to judge the baseline.
func (e *entry) count(a *exchange.Attempt) (judge bool) {
	n := e.requests.Add(1)
	e.last.Store(a.Start.UnixNano())
	class := a.Status / 100
	if class < 0 || class > 5 {
		class = 0
	}
	e.statuses[class].Add(1)
	if a.Reason != "" {
		e.failures.Add(1)
	}
	if a.Reused {
		e.kept.Add(1)
	}
	if a.Proto == exchange.HTTP2 {
		e.http2.Add(1)
	}
	return n%judgeEvery == 0
}

// take hands over what is to be told; with mu.
func (e *entry) take() []Drift {
	out := e.untold
	e.untold = nil
	return out
}

func (e *entry) ended(idle time.Duration, now time.Time) []Drift {
	e.mu.Lock()
	defer e.mu.Unlock()
	if was, is, ok := e.idle.ended(idle, now); ok {
		e.idleChanged(now, was, is)
	}
	return e.take()
}

func (e *entry) outlived(idle time.Duration, now time.Time) []Drift {
	e.mu.Lock()
	defer e.mu.Unlock()
	if was, is, ok := e.idle.outlived(idle, now); ok {
		e.idleChanged(now, was, is)
	}
	return e.take()
}
