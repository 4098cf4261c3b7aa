package packet

// table is the datagrams that wait.
type table struct {
	slots []*datagram
	turn  uint64
	stats Stats
}

// Stats is what became of fragments.
type Stats struct {
	Fragments   int64 // packets
	Reassembled int64 // datagrams
	Overlaps    int64 // fragments that said again, perhaps otherwise, what was there: what came first counts
	GivenUp     int64 // datagrams that made room for others before they were complete, or were too old
}

// Stats returns what became of fragments so far.
func (d *Decoder) Stats() Stats { return d.waiting.stats }

// find returns the datagram with the key, or a new one.
func (t *table) find(k key, at int64) *datagram {
	t.turn++
	var room *datagram
	for _, g := range t.slots {
		if g.turn != 0 && g.key == k {
			if age := at - g.since; age > maxAge || age < -maxAge {
				t.stats.GivenUp++
				g.start(k, at)
			}
			g.turn = t.turn
			return g
		}
		if room == nil || g.turn < room.turn {
			room = g
		}
	}
	switch {
	case room != nil && room.turn == 0:
	case len(t.slots) < maxWaiting:
		room = &datagram{}
		t.slots = append(t.slots, room)
	default:
		t.stats.GivenUp++
	}
	room.start(k, at)
	room.turn = t.turn
	return room
}
