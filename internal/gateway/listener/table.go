package listener

import (
	"net/netip"
	"sync"
)

// table holds the open connections of a listener and counts them by client.
type table struct {
	mu     sync.Mutex
	closed bool // nothing is entered any more
	all    map[*conn]struct{}
	client map[netip.Prefix]int
}

func (t *table) init() {
	t.all = make(map[*conn]struct{})
	t.client = make(map[netip.Prefix]int)
}

// add enters c and counts its goroutine into wg, unless limit (none when negative) is reached or the table is closed.
func (t *table) add(c *conn, limit int, wg *sync.WaitGroup) (ok, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || limit >= 0 && len(t.all) >= limit {
		return false, t.closed
	}
	t.all[c] = struct{}{}
	wg.Add(1)
	return true, false
}

// close lets nothing in any more.
func (t *table) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// count enters the client of c, which is known once the PROXY header is read, unless limit is reached.
func (t *table) count(c *conn, limit int) bool {
	key := clientKey(c.client.Addr.Addr())
	t.mu.Lock()
	defer t.mu.Unlock()
	if limit >= 0 && t.client[key] >= limit {
		return false
	}
	t.client[key]++
	c.counted = key
	return true
}

func (t *table) remove(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
	if c.counted.IsValid() {
		if t.client[c.counted]--; t.client[c.counted] <= 0 {
			delete(t.client, c.counted)
		}
	}
}

func (t *table) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// each calls f for every connection, outside the lock.
func (t *table) each(f func(*conn)) {
	t.mu.Lock()
	all := make([]*conn, 0, len(t.all))
	for c := range t.all {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		f(c)
	}
}

// clientKey is what counts as one client: an IPv4 address, or the /64 that an IPv6 customer gets.
func clientKey(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address (a test's pipe): not counted by client
	}
	return p
}
