package origin

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// endpoint is one URL of an origin: its connections, its health and what was learned about it.
type endpoint struct {
	o   *Origin
	url endpointURL

	open     atomic.Int64 // connections
	inflight atomic.Int64 // exchanges
	room     room
	pinned   atomic.Int64 // connections in idle that belong to one client
	http1    atomic.Bool  // learned: HTTP/2 does not work here (renegotiation, HTTP_1_1_REQUIRED, NTLM)
	health   health

	mu      sync.Mutex
	idle    []*conn // newest last
	h2      []*conn
	reaper  *time.Timer
	closed  bool
	badAddr map[netip.Addr]time.Time // addresses that did not answer, and until when they come last
}

func newEndpoint(o *Origin, u endpointURL) *endpoint {
	ep := &endpoint{o: o, url: u, badAddr: map[netip.Addr]time.Time{}}
	ep.room.init(o.cfg.MaxConns)
	return ep
}

// left notes that a connection has ended.
func (ep *endpoint) left(slot bool) {
	ep.open.Add(-1)
	if slot {
		ep.room.leave()
	}
}

// evict closes the connection that has lain idle longest, to make room, and reports whether there was one.
func (ep *endpoint) evict() bool {
	ep.mu.Lock()
	if len(ep.idle) == 0 {
		now := ep.o.now()
		gone := ep.sweepLocked(func(c *conn) bool { return c.h2.idle(now) == 0 })
		ep.mu.Unlock()
		retire(gone)
		return len(gone) > 0
	}
	c := ep.idle[0]
	ep.unpinLocked(c)
	ep.removeLocked(0)
	ep.mu.Unlock()
	c.close()
	return true
}

func (ep *endpoint) unpinLocked(c *conn) {
	if c.pin != 0 {
		ep.pinned.Add(-1)
	}
}

// take returns an idle HTTP/1.1 connection with that SNI that client may use, or nil. Its own pinned ones come first. One
// on which something arrived since its last answer is closed, however short ago that was: a second answer to the request
// before would be taken for the answer to the next one, which may be somebody else's.
func (ep *endpoint) take(sni string, client uint64, now time.Time) *conn {
	for {
		c := ep.pop(sni, client)
		if c == nil {
			return nil
		}
		idle := now.Sub(c.idleSince)
		if idle < ep.o.cfg.Timeouts.KeepaliveIdle && c.probe.ok() {
			return c
		}
		ep.idleEnded(c, idle)
		c.close()
	}
}

func (ep *endpoint) pop(sni string, client uint64) *conn {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if client != 0 && ep.pinned.Load() > 0 {
		for i := len(ep.idle) - 1; i >= 0; i-- {
			if c := ep.idle[i]; c.pin == client && c.sni == sni {
				ep.removeLocked(i)
				ep.pinned.Add(-1)
				return c
			}
		}
	}
	for i := len(ep.idle) - 1; i >= 0; i-- {
		if c := ep.idle[i]; c.pin == 0 && c.sni == sni {
			ep.removeLocked(i)
			return c
		}
	}
	return nil
}

func (ep *endpoint) removeLocked(i int) {
	last := len(ep.idle) - 1
	copy(ep.idle[i:], ep.idle[i+1:])
	ep.idle[last] = nil
	ep.idle = ep.idle[:last]
}

// put keeps c for the next exchange, or closes it.
func (ep *endpoint) put(c *conn, now time.Time) {
	c.idleSince = now
	c.rd.Release()
	var drop *conn
	ep.mu.Lock()
	switch {
	case ep.closed || ep.o.cfg.MaxIdle == 0 || ep.o.cfg.Timeouts.KeepaliveIdle == 0:
		drop = c
	default:
		if len(ep.idle) >= ep.o.cfg.MaxIdle { // the oldest goes
			drop = ep.idle[0]
			ep.unpinLocked(drop)
			ep.removeLocked(0)
		}
		ep.idle = append(ep.idle, c)
		if c.pin != 0 {
			ep.pinned.Add(1)
		}
		if ep.reaper == nil {
			ep.reaper = time.AfterFunc(ep.o.cfg.Timeouts.KeepaliveIdle, ep.reap)
		}
	}
	ep.mu.Unlock()
	if drop != nil {
		drop.close()
		return
	}
	ep.room.signal()
}

// reap closes what has lain idle too long. It runs only while something is idle.
func (ep *endpoint) reap() {
	limit := ep.o.cfg.Timeouts.KeepaliveIdle
	now := ep.o.now()
	var old []*conn
	ep.mu.Lock()
	kept := ep.idle[:0]
	oldest := now
	for _, c := range ep.idle {
		if now.Sub(c.idleSince) >= limit {
			old = append(old, c)
			ep.unpinLocked(c)
			continue
		}
		if c.idleSince.Before(oldest) {
			oldest = c.idleSince
		}
		kept = append(kept, c)
	}
	clear(ep.idle[len(kept):])
	ep.idle = kept
	gone := ep.sweepLocked(func(c *conn) bool { return !c.h2.gone() && c.h2.idle(now) < limit })
	if (len(kept) > 0 || len(ep.h2) > 0) && !ep.closed {
		ep.reaper.Reset(max(limit-now.Sub(oldest), 10*time.Millisecond))
	} else {
		ep.reaper = nil
	}
	ep.mu.Unlock()
	for _, c := range old {
		ep.idleEnded(c, now.Sub(c.idleSince))
		c.close()
	}
	retire(gone)
}

// dropClient closes the idle connections that belong to a client connection that has ended.
func (ep *endpoint) dropClient(client uint64) {
	var gone []*conn
	ep.mu.Lock()
	kept := ep.idle[:0]
	for _, c := range ep.idle {
		if c.pin == client {
			gone = append(gone, c)
			ep.pinned.Add(-1)
			continue
		}
		kept = append(kept, c)
	}
	clear(ep.idle[len(kept):])
	ep.idle = kept
	streams := ep.sweepLocked(func(c *conn) bool { return c.pin != client })
	ep.mu.Unlock()
	for _, c := range gone {
		c.close()
	}
	retire(streams)
}

// shut closes the idle connections and lets running exchanges close theirs when they end.
func (ep *endpoint) shut() {
	ep.mu.Lock()
	ep.closed = true
	idle, h2 := ep.idle, ep.h2
	ep.idle, ep.h2 = nil, nil
	if ep.reaper != nil {
		ep.reaper.Stop()
		ep.reaper = nil
	}
	ep.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
	retire(h2)
}
