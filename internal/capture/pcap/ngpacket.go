package pcap

import (
	"fmt"
	"math"
)

// enhanced reads an enhanced packet block and reports whether there was a packet in it.
func (r *Reader) enhanced(p *Packet, b []byte) bool {
	const head = 20
	if len(b) < head {
		return r.strangePacket("an enhanced packet block of %d bytes is too short", len(b))
	}
	number, captured := r.order.u32(b), r.order.u32(b[12:])
	if uint64(number) >= uint64(len(r.ng.interfaces)) {
		return r.strangePacket("a packet names interface %d, which the section lacks", int(number))
	}
	if captured > MaxPacket || int(captured) > len(b)-head {
		return r.strangePacket("a packet of %d bytes does not fit into its block", int(captured))
	}
	from := &r.ng.interfaces[number]
	p.At = from.tick.at(uint64(r.order.u32(b[4:]))<<32 | uint64(r.order.u32(b[8:])))
	p.Link, p.Interface = from.link, int(number)
	r.packet(p, b[head:], captured, r.order.u32(b[16:]))
	if after := head + int(captured+3)&^3; len(b) > after+4 {
		r.packetOptions(p, from, b[after:], packetDropped)
	}
	return true
}

// packet fills in what all kinds of packets have in common.
func (r *Reader) packet(p *Packet, b []byte, captured, length uint32) {
	r.packets++
	r.good++
	r.info.End = 0 // it went on
	r.last = p.At
	p.Number, p.Comment = r.packets, ""
	p.Length = int(max(captured, min(length, math.MaxInt32)))
	p.Data = b[:captured:captured]
}

// oldPacket reads an obsolete packet block.
func (r *Reader) oldPacket(p *Packet, b []byte) bool {
	const head = 20
	if len(b) < head {
		return r.strangePacket("a packet block of %d bytes is too short", len(b))
	}
	number, drops, captured := r.order.u16(b), r.order.u16(b[2:]), r.order.u32(b[12:])
	if int(number) >= len(r.ng.interfaces) {
		return r.strangePacket("a packet names interface %d, which the section lacks", int(number))
	}
	if captured > MaxPacket || int(captured) > len(b)-head {
		return r.strangePacket("a packet of %d bytes does not fit into its block", int(captured))
	}
	from := &r.ng.interfaces[number]
	if drops != math.MaxUint16 {
		r.drop(from, 1, from.dropped[1]+int64(drops))
	}
	p.At = from.tick.at(uint64(r.order.u32(b[4:]))<<32 | uint64(r.order.u32(b[8:])))
	p.Link, p.Interface = from.link, int(number)
	r.packet(p, b[head:], captured, r.order.u32(b[16:]))
	if after := head + int(captured+3)&^3; len(b) > after+4 {
		r.packetOptions(p, from, b[after:], 0)
	}
	return true
}

// simple reads a simple packet block: of the first interface, without a time, as long as the snaplen allows.
func (r *Reader) simple(p *Packet, b []byte) bool {
	const head = 4
	if len(b) < head {
		return r.strangePacket("a simple packet block of %d bytes is too short", len(b))
	}
	if len(r.ng.interfaces) == 0 {
		return r.strangePacket("a simple packet block names interface %d, which the section lacks", 0)
	}
	from := &r.ng.interfaces[0]
	length := r.order.u32(b)
	captured := length
	if from.snap != 0 {
		captured = min(captured, from.snap)
	}
	if captured > MaxPacket || int(captured) > len(b)-head {
		return r.strangePacket("a packet of %d bytes does not fit into its block", int(captured))
	}
	p.At, p.Link, p.Interface = r.last, from.link, 0
	r.packet(p, b[head:], captured, length)
	return true
}

// packetOptions reads the options of a packet: its comment, and with the code lost how many packets were dropped before it.
func (r *Reader) packetOptions(p *Packet, from *port, b []byte, lost uint16) {
	for o := (options{order: r.order, rest: b}); o.next(); {
		switch {
		case o.code == optComment:
			p.Comment = text(o.value)
			r.info.comment(o.value)
		case o.code == lost && len(o.value) == 8:
			n := int64(min(o.u64(), math.MaxInt32))
			r.drop(from, 1, from.dropped[1]+n)
		}
	}
}

// drop notes how many packets an interface lost: as its statistics say (0) or its packets (1). The larger number counts.
func (r *Reader) drop(from *port, source int, n int64) {
	before := max(from.dropped[0], from.dropped[1])
	from.dropped[source] = n
	r.info.Dropped += max(from.dropped[0], from.dropped[1]) - before
}

// strangePacket notes a packet in a sound block that cannot be read. It has its number all the same.
func (r *Reader) strangePacket(format string, n int) bool {
	r.packets++
	if len(r.info.Damage) < maxDamage {
		r.passed(r.damaged(r.block, fmt.Sprintf(format, n)), 0)
	}
	return false
}
