package persist

import (
	"sync"
	"time"
)

// Pool gives each of many users the store of a name, and takes it back when the last one is done. What was stored stays for a while, for a user
// who comes shortly after. Safe for concurrent use; the zero value is empty and ready.
type Pool struct {
	mu    sync.Mutex
	held  map[string]*holding
	idle  []*holding // nobody uses them, the longest of them first
	bytes int64      // of idle ones, as they were when their last user left
	timed bool       // sweep is going to be called
}

// holding is the store of one name.
type holding struct {
	name  string
	store *Store
	users int
	bytes int64     // while nobody uses it
	since time.Time // nobody uses it
}

// What a pool keeps of what nobody uses.
const (
	idleTime  = 10 * time.Minute
	idleCount = 64
	idleBytes = defaultBytes
)

// Acquire returns the store of name, a new one where none is held. Release must be called once for it.
func (p *Pool) Acquire(name string) *Store {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.held[name]
	switch {
	case h == nil:
		if p.held == nil {
			p.held = map[string]*holding{}
		}
		h = &holding{name: name, store: New(Config{})}
		p.held[name] = h
	case h.users == 0:
		p.unlist(h)
	}
	h.users++
	return h.store
}

// Release says that one user of the store of name is done with it. An empty store is let go with its last user, another one ten minutes later, or
// earlier where more than 64 of them, or more than 64 MiB, would be kept for nobody.
func (p *Pool) Release(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.held[name]
	if h == nil || h.users == 0 {
		return
	}
	if h.users--; h.users > 0 {
		return
	}
	stats := h.store.Stats()
	if stats.Entries == 0 {
		delete(p.held, name)
		return
	}
	h.since, h.bytes = time.Now(), stats.Bytes
	p.idle = append(p.idle, h)
	p.bytes += h.bytes
	p.tidy()
}

// Len returns how many stores are held, used or not.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// unlist takes h out of the idle ones. The lock is held.
func (p *Pool) unlist(h *holding) {
	for i, one := range p.idle {
		if one == h {
			p.idle = append(p.idle[:i:i], p.idle[i+1:]...)
			p.bytes -= h.bytes
			return
		}
	}
}

// tidy lets go of what was idle for too long, or is too much, and sees to it that the rest goes in time. The lock is held.
func (p *Pool) tidy() {
	for len(p.idle) > 0 {
		h := p.idle[0]
		if len(p.idle) <= idleCount && p.bytes <= idleBytes && time.Since(h.since) < idleTime {
			break
		}
		p.unlist(h)
		delete(p.held, h.name)
	}
	if len(p.idle) > 0 && !p.timed {
		p.timed = true
		time.AfterFunc(time.Until(p.idle[0].since.Add(idleTime)), p.sweep)
	}
}

// sweep is tidy when a time is over.
func (p *Pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timed = false
	p.tidy()
}
