package packet

import "encoding/binary"

const (
	ip4Head = 20
	ip6Head = 40
)

// ip4 takes an IPv4 datagram apart (RFC 791): b was captured of wire bytes.
func (d *Decoder) ip4(b []byte, wire int, s *Segment) Verdict {
	if len(b) < ip4Head || b[0]>>4 != 4 {
		return Malformed
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // the network card will cut it into segments and count then
		total = wire
	}
	wire = min(wire, total) // what is behind it pads the frame
	if head < ip4Head || head > wire || head > len(b) {
		return Malformed
	}
	b = b[:min(len(b), wire)]
	s.TTL, s.IPID = b[8], binary.BigEndian.Uint16(b[4:])
	if place := binary.BigEndian.Uint16(b[6:]); place&0x3fff != 0 {
		f := piece{offset: int(place&0x1fff) * 8, more: place&0x2000 != 0, data: b[head:], wire: wire - head, proto: b[9]}
		return d.fragment(key4(b), f, b[12:20], s)
	}
	return d.upper(b[9], b[12:20], b[head:], wire-head, s)
}

// ip6 takes an IPv6 datagram apart (RFC 8200).
func (d *Decoder) ip6(b []byte, wire int, s *Segment) Verdict {
	if len(b) < ip6Head || b[0]>>4 != 6 {
		return Malformed
	}
	if total := int(binary.BigEndian.Uint16(b[4:])); total != 0 { // 0: a jumbogram, or as in ip4
		wire = min(wire, ip6Head+total)
	}
	if wire < ip6Head {
		return Malformed
	}
	b = b[:min(len(b), wire)]
	s.TTL = b[7]
	proto, at, fragment := extensions(b[6], b, ip6Head)
	if at < 0 {
		return Malformed
	}
	if fragment < 0 {
		return d.upper(proto, b[8:40], b[at:], wire-at, s)
	}
	place := binary.BigEndian.Uint16(b[fragment+2:])
	f := piece{offset: int(place &^ 7), more: place&1 != 0, data: b[at:], wire: wire - at, proto: proto}
	return d.fragment(key6(b, fragment), f, b[8:40], s)
}

// Extension headers (RFC 8200 section 4, RFC 4302, RFC 6275, RFC 7401, RFC 5533).
const (
	hopByHop    = 0
	routing     = 43
	fragmentExt = 44
	authHeader  = 51
	destination = 60
	mobility    = 135
	hip         = 139
	shim6       = 140
	maxHeaders  = 16
)

// extensions passes over the extension headers of an IPv6 datagram, of which the first is a proto and stands at b[at]. It returns the
// protocol behind them, where that begins (or cut), and where the fragment header is when the datagram is in pieces, else -1: in later
// pieces what follows that header is data.
func extensions(proto uint8, b []byte, at int) (upper uint8, begins, fragment int) {
	for range maxHeaders {
		if len(b) < at+8 {
			if isExtension(proto) {
				return proto, cut, -1
			}
			return proto, at, -1
		}
		head := b[at : at+8]
		switch proto {
		case hopByHop, routing, destination, mobility, hip, shim6:
			at += (int(head[1]) + 1) * 8
		case authHeader:
			at += (int(head[1]) + 2) * 4
		case fragmentExt:
			at += 8
			if binary.BigEndian.Uint16(head[2:])&0xfff9 != 0 {
				return head[0], at, at - 8
			}
		default:
			return proto, at, -1
		}
		proto = head[0]
		if at > len(b) {
			return proto, cut, -1
		}
	}
	return proto, cut, -1
}

func isExtension(proto uint8) bool {
	switch proto {
	case hopByHop, routing, fragmentExt, authHeader, destination, mobility, hip, shim6:
		return true
	}
	return false
}
