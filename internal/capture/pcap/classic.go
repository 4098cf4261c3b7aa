package pcap

import (
	"fmt"
	"math"
)

const (
	classicHead = 24 // bytes of a file's head
	recordHead  = 16 // bytes of a packet's head
	patchedHead = 24 // and of one in the format of Kuznetzov's patch
)

// classic is the head of a pcap file (draft-ietf-opsawg-pcap).
type classic struct {
	head  int // bytes of a packet's head; 0: the file is pcapng
	order order
	scale int64 // nanoseconds in a unit of the fraction
	swap  bool  // versions before 2.3 had both lengths the other way round, 2.3 sometimes
	link  LinkType
	snap  uint32
}

// classicMagic reads the first 4 bytes of a pcap file.
func classicMagic(b []byte) (c classic, ok bool) {
	if len(b) < 4 {
		return c, false
	}
	for _, big := range []order{false, true} {
		c.order = big
		switch big.u32(b) {
		case 0xa1b2c3d4:
			c.head, c.scale = recordHead, 1000
		case 0xa1b23c4d:
			c.head, c.scale = recordHead, 1
		case 0xa1b2cd34:
			c.head, c.scale = patchedHead, 1000
		default:
			continue
		}
		return c, true
	}
	return c, false
}

// parseClassic reads the head of a pcap file.
func parseClassic(b []byte) (classic, bool) {
	c, ok := classicMagic(b)
	if !ok || len(b) < classicHead || c.order.u16(b[4:]) != 2 {
		return c, false
	}
	c.swap = c.order.u16(b[6:]) <= 3
	c.snap, c.link = c.order.u32(b[16:]), LinkType(c.order.u32(b[20:])) // the upper half says how long the FCS is
	return c, true
}

// startClassic begins a file, or one that was appended to another.
func (r *Reader) startClassic(c classic) {
	r.pcap, r.order, r.link = c, c.order, c.link
	r.info.Format = "pcap"
	r.info.Nanoseconds = r.info.Nanoseconds || c.scale == 1
	snap := int(min(c.snap, math.MaxInt32))
	if len(r.info.Interfaces) < maxInterfaces {
		r.info.Interfaces = append(r.info.Interfaces, Interface{Link: c.link, SnapLen: snap})
	}
}

// nextRecord reads the next packet of a pcap file.
func (r *Reader) nextRecord(p *Packet) error {
	for {
		w := &r.in
		if !w.ahead(r.pcap.head) {
			return r.end("the head of a packet")
		}
		h := w.buf[w.at : w.at+recordHead]
		captured, length := r.order.u32(h[8:]), r.order.u32(h[12:])
		if captured-1 >= MaxPacket || r.pcap.swap { // neither 0 nor too much in one comparison
			if r.pcap.swap && (captured > length) {
				captured, length = length, captured
			}
			if again, err := r.strangeRecord(captured, length); err != nil {
				return err
			} else if again {
				continue
			}
		}
		n := r.pcap.head + int(captured)
		if !w.ahead(n) {
			if err := r.beyond("a packet", r.recordsFit); err != nil {
				return err
			}
			continue
		}
		h = w.buf[w.at : w.at+n]
		p.At = int64(r.order.u32(h))*1e9 + int64(r.order.u32(h[4:]))*r.pcap.scale
		w.at += n
		r.packets++
		r.good++
		r.last = p.At
		p.Number, p.Link, p.Interface = r.packets, r.link, 0
		p.Length, p.Data = int(max(captured, min(length, math.MaxInt32))), h[r.pcap.head:n:n]
		return nil
	}
}

// strangeRecord looks at a packet of no or too many bytes: it may be an empty one, another file that was appended (again: both
// are dealt with), or damage.
func (r *Reader) strangeRecord(captured, length uint32) (again bool, err error) {
	if captured-1 < MaxPacket {
		return false, nil
	}
	if r.in.ahead(classicHead) {
		if c, ok := parseClassic(r.in.rest()); ok {
			r.in.at += classicHead
			r.startClassic(c)
			return true, nil
		}
	}
	if captured == 0 && length != 0 {
		return false, nil
	}
	d := r.damaged(r.in.offset(), fmt.Sprintf("a packet of %d bytes is stated there, 1 to %d are possible", captured, MaxPacket))
	return true, r.resync(d, r.recordsFit)
}

// recordsFit reports whether b begins with heads of packets that fit together, and to the packets before.
func (r *Reader) recordsFit(b []byte, end bool) bool {
	last := r.last
	for n := range inARow {
		if len(b) < r.pcap.head {
			return end && n > 0
		}
		captured, length := r.order.u32(b[8:]), r.order.u32(b[12:])
		if captured-1 >= MaxPacket || captured > length || length > maxBuffer {
			return false
		}
		fraction := int64(r.order.u32(b[4:])) * r.pcap.scale
		at := int64(r.order.u32(b))*1e9 + fraction
		if fraction >= 1e9 || last != 0 && (at-last > nearby || last-at > nearby) {
			return false
		}
		next := r.pcap.head + int(captured)
		if next > len(b) {
			return n > 0 // the last one may be cut off
		}
		b, last = b[next:], at
	}
	return true
}

// nearby is how far apart packets may lie for one to vouch for the other: a week.
const nearby = 7 * 24 * 3600 * int64(1e9)
