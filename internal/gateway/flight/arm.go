package flight

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/recording"
)

// Arm says which connections somebody wants to see live.
type Arm struct {
	Site string // first name of the site; "" for all
	Leg  Leg
}

// ArmedEvent is news of one connection: that it is there, secrets of it, that it is over.
type ArmedEvent struct {
	Site      string
	Leg       Leg
	Taped     exchange.Taped
	Secret    []byte               // lines of an NSS key log; some may come twice
	Closed    bool                 // the connection is over
	Recording *recording.Recording // with Closed: what was kept of it; nil where nothing was
}

// mostEvents is how many events wait for somebody who is slow, beside those of connections that were open at the beginning.
const mostEvents = 1024

// Armed is somebody's wish to see connections. While one for the client leg lasts, secrets of connections that begin then are kept.
type Armed struct {
	r       *Recorder
	arm     Arm
	dropped atomic.Int64

	mu     sync.Mutex
	events chan ArmedEvent
	closed bool
}

// Arm begins to tell of connections: of those that are open at once, with their secrets so far, then of all as they come. It never
// holds up traffic: what is not taken in time is dropped, and counted.
func (r *Recorder) Arm(a Arm) *Armed {
	w := &Armed{r: r, arm: a}
	r.mu.Lock()
	var open []*tape
	for _, t := range r.open {
		if w.wants(&t.set) {
			open = append(open, t)
		}
	}
	w.events = make(chan ArmedEvent, mostEvents+len(open))
	if r.shut {
		r.mu.Unlock()
		w.Close()
		return w
	}
	r.setArmed(func(all []*Armed) []*Armed { return append(all, w) })
	r.mu.Unlock()
	for _, t := range open {
		t.mu.Lock()
		if !t.over {
			w.send(t, ArmedEvent{Secret: t.keyLog()})
		}
		t.mu.Unlock()
	}
	return w
}

// setArmed changes the list of wishes; r.mu is held.
func (r *Recorder) setArmed(change func([]*Armed) []*Armed) {
	var all []*Armed
	if list := r.armed.Load(); list != nil {
		all = slices.Clone(*list)
	}
	if all = change(all); len(all) == 0 {
		r.armed.Store(nil)
		return
	}
	r.armed.Store(&all)
}

func (a *Armed) wants(s *Settings) bool {
	return a.arm.Leg == s.Leg && (a.arm.Site == "" || a.arm.Site == s.Site)
}

// watched reports whether anybody wants to see connections of s.
func (r *Recorder) watched(s *Settings) bool {
	list := r.armed.Load()
	return list != nil && slices.ContainsFunc(*list, func(a *Armed) bool { return a.wants(s) })
}

// tell hands news of t to all who want to know.
func (r *Recorder) tell(t *tape, news func() ArmedEvent) {
	list := r.armed.Load()
	if list == nil {
		return
	}
	for _, a := range *list {
		if a.wants(&t.set) {
			a.send(t, news())
		}
	}
}

func (a *Armed) send(t *tape, e ArmedEvent) {
	e.Site, e.Leg, e.Taped = t.set.Site, t.set.Leg, t.about
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	select {
	case a.events <- e:
	default:
		a.dropped.Add(1)
	}
}

// Events is where the news comes; closed by Close, and when the recorder closes.
func (a *Armed) Events() <-chan ArmedEvent { return a.events }

// Dropped is how many events were not taken in time.
func (a *Armed) Dropped() int64 { return a.dropped.Load() }

// Close ends the wish. Calling it again does nothing.
func (a *Armed) Close() {
	a.r.mu.Lock()
	a.r.setArmed(func(all []*Armed) []*Armed { return slices.DeleteFunc(all, func(o *Armed) bool { return o == a }) })
	a.r.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		close(a.events)
	}
}
