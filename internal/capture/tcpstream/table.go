package tcpstream

import "github.com/lunette-waf/lunette/internal/capture/packet"

// table finds connections by their addresses. Chains, since the hash spreads well; bucket numbers are stirred with a secret of
// the table, so that whoever chooses addresses cannot choose buckets.
type table struct {
	buckets []*conn
	n       int
	stir    uint64 // odd
	shift   uint
}

const smallTable = 6 // log2

func newTable(stir uint64) table {
	return table{buckets: make([]*conn, 1<<smallTable), stir: stir | 1, shift: 64 - smallTable}
}

// find returns the connection of s and the direction of s on it.
func (t *table) find(s *packet.Segment) (*conn, int) {
	for c := t.buckets[s.Hash*t.stir>>t.shift]; c != nil; c = c.next {
		if c.hash != s.Hash {
			continue
		}
		if c.info.Client == s.Src && c.info.Server == s.Dst {
			return c, 0
		}
		if c.info.Client == s.Dst && c.info.Server == s.Src {
			return c, 1
		}
	}
	return nil, 0
}

func (t *table) add(c *conn) {
	if t.n >= len(t.buckets) {
		t.grow()
	}
	b := &t.buckets[c.hash*t.stir>>t.shift]
	c.next, *b = *b, c
	t.n++
}

func (t *table) remove(c *conn) {
	for p := &t.buckets[c.hash*t.stir>>t.shift]; *p != nil; p = &(*p).next {
		if *p == c {
			*p, c.next = c.next, nil
			t.n--
			return
		}
	}
}

// grow doubles the buckets: 8 bytes for each connection that there ever was at once, 16 at most.
func (t *table) grow() {
	old := t.buckets
	t.buckets = make([]*conn, 2*len(old))
	t.shift--
	for _, c := range old {
		for c != nil {
			next := c.next
			b := &t.buckets[c.hash*t.stir>>t.shift]
			c.next, *b = *b, c
			c = next
		}
	}
}
