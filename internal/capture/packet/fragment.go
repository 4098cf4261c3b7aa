package packet

import (
	"encoding/binary"
	"slices"
)

// Bounds of the datagrams that wait for fragments: 64 of 64 KiB. The one that waits longest makes room.
const (
	maxWaiting  = 64
	maxDatagram = 1<<16 - 1       // bytes
	maxAge      = 60 * int64(1e9) // nanoseconds, RFC 8200 section 4.5
	unit        = 8               // bytes: fragments begin at multiples
)

// piece is a fragment: data was captured of wire bytes.
type piece struct {
	offset, wire int
	more         bool
	proto        uint8
	data         []byte
}

// key tells datagrams apart.
type key struct {
	src, dst [16]byte
	id       uint32
	proto    uint8 // IPv4 only
	v6       bool
}

func key4(b []byte) key {
	k := key{id: uint32(binary.BigEndian.Uint16(b[4:])), proto: b[9]}
	copy(k.src[:], b[12:16])
	copy(k.dst[:], b[16:20])
	return k
}

func key6(b []byte, fragment int) key {
	return key{src: [16]byte(b[8:]), dst: [16]byte(b[24:]), id: binary.BigEndian.Uint32(b[fragment+4:]), v6: true}
}

// datagram is one that waits for fragments.
type datagram struct {
	key     key
	since   int64  // time of its first packet
	turn    uint64 // number of the latest fragment, for room; 0: free
	total   int    // bytes, -1 before the last fragment
	units   int    // that are there
	high    int    // end of the farthest fragment
	cut     int    // the first byte that was not captured
	proto   uint8  // as the first fragment says
	present [(maxDatagram + 1) / unit / 64]uint64
	data    []byte
}

// fragment keeps f, and goes on with the whole datagram when it is the one that was missing.
func (d *Decoder) fragment(k key, f piece, ends []byte, s *Segment) Verdict {
	if f.wire <= 0 || f.offset+f.wire > maxDatagram || f.more && f.wire%unit != 0 {
		return Malformed
	}
	d.waiting.stats.Fragments++
	g := d.waiting.find(k, d.at)
	if !g.add(f) {
		d.waiting.stats.Overlaps++
	}
	if g.total < 0 || g.units != (g.total+unit-1)/unit {
		return Fragment
	}
	d.waiting.stats.Reassembled++
	g.turn = 0
	whole := slices.Clone(g.data[:min(g.total, g.cut)])
	if !k.v6 {
		return d.upper(g.proto, ends, whole, g.total, s)
	}
	proto, at, again := extensions(g.proto, whole, 0)
	if at < 0 || again >= 0 {
		return Malformed
	}
	return d.upper(proto, ends, whole[at:], g.total-at, s)
}

// start makes g an empty datagram; its memory stays.
func (g *datagram) start(k key, at int64) {
	*g = datagram{key: k, since: at, total: -1, cut: maxDatagram, data: g.data[:0]}
}

// add takes what f has that is new, and reports whether all of it was, and fits to what is known.
func (g *datagram) add(f piece) bool {
	end := f.offset + f.wire
	if g.total >= 0 && (end > g.total || !f.more && end != g.total) || !f.more && end < g.high {
		return false
	}
	if !f.more {
		g.total = end
	}
	g.high = max(g.high, end)
	if f.offset == 0 {
		g.proto = f.proto
	}
	if n := f.offset + len(f.data); n > len(g.data) {
		g.data = slices.Grow(g.data, n-len(g.data))[:n]
	}
	fresh := true
	for at := 0; at < f.wire; at += unit {
		place := (f.offset + at) / unit
		bit := uint64(1) << (place % 64)
		if g.present[place/64]&bit != 0 {
			fresh = false
			continue
		}
		g.present[place/64] |= bit
		g.units++
		n := 0
		if at < len(f.data) {
			n = copy(g.data[f.offset+at:], f.data[at:min(at+unit, len(f.data))])
		}
		if n < min(unit, f.wire-at) {
			g.cut = min(g.cut, f.offset+at+n)
		}
	}
	return fresh
}
