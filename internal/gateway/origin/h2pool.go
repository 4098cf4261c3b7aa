package origin

import (
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// addHTTP2 makes a fresh connection, on which x has a stream reserved, known to other exchanges.
func (ep *endpoint) addHTTP2(c *conn, x *exchange.Exchange) {
	if c.identified() {
		c.own(x)
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	limit := ep.o.cfg.Timeouts.KeepaliveIdle
	if ep.closed || c.private || limit == 0 {
		c.private = true // for x alone; it ends with its last stream
		return
	}
	ep.h2 = append(ep.h2, c)
	if c.pin != 0 {
		ep.pinned.Add(1)
	}
	if ep.reaper == nil {
		ep.reaper = time.AfterFunc(limit, ep.reap)
	}
}

// takeHTTP2 reserves a stream on a connection with that SNI that client may use, or returns nil.
func (ep *endpoint) takeHTTP2(sni string, client uint64) *conn {
	ep.mu.Lock()
	var found *conn
	gone := ep.sweepLocked(func(c *conn) bool {
		if c.h2.gone() {
			return false
		}
		if found == nil && c.sni == sni && (c.pin == 0 || c.pin == client) && c.h2.reserve() {
			found = c
		}
		return true
	})
	ep.mu.Unlock()
	retire(gone)
	return found
}

// sweepLocked keeps the connections that keep says, and returns the others for [retire], to be called without ep.mu.
func (ep *endpoint) sweepLocked(keep func(*conn) bool) (gone []*conn) {
	kept := ep.h2[:0]
	for _, c := range ep.h2 {
		if keep(c) {
			kept = append(kept, c)
			continue
		}
		ep.unpinLocked(c)
		gone = append(gone, c)
	}
	clear(ep.h2[len(kept):])
	ep.h2 = kept
	return gone
}

func retire(cs []*conn) {
	for _, c := range cs {
		c.h2.retire()
	}
}
