package packet

import (
	"encoding/binary"
	"net/netip"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// Decoder decodes packets of one capture, in its order. It is for one goroutine.
type Decoder struct {
	waiting table
	at      int64 // time of the present packet
}

// New returns a Decoder.
func New() *Decoder { return &Decoder{} }

// Decode takes p apart into s, which is overwritten.
func (d *Decoder) Decode(p *pcap.Packet, s *Segment) Verdict {
	*s = Segment{At: p.At, Frame: p.Number}
	b := p.Data
	kind, at := network(p.Link, b)
	if at < 0 || at > len(b) {
		return Malformed
	}
	d.at = p.At
	switch b, wire := b[at:], max(p.Length, len(b))-at; kind {
	case typeIPv4:
		return d.ip4(b, wire, s)
	case typeIPv6:
		return d.ip6(b, wire, s)
	}
	return Other
}

// Internet protocol numbers.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoICMPv6 = 58
)

// upper takes the payload of a datagram apart: b was captured of wire bytes. ends are both addresses, source first, of 4 or 16 bytes each.
func (d *Decoder) upper(proto uint8, ends, b []byte, wire int, s *Segment) Verdict {
	switch proto {
	case protoTCP:
		return tcp(ends, b, wire, s)
	case protoICMP:
		if len(ends) == 8 {
			return icmp4(ends, b, s)
		}
	case protoICMPv6:
		if len(ends) == 32 {
			return icmp6(ends, b, s)
		}
	}
	return Other
}

// connect fills in addresses, ports (of which b has both) and the hash.
func (s *Segment) connect(ends, b []byte) {
	src, dst := addresses(ends)
	s.Src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(b))
	s.Dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:]))
	s.Hash = hash(ends, s.Src.Port(), s.Dst.Port())
}

func addresses(ends []byte) (src, dst netip.Addr) {
	if len(ends) == 8 {
		return netip.AddrFrom4([4]byte(ends)), netip.AddrFrom4([4]byte(ends[4:]))
	}
	return netip.AddrFrom16([16]byte(ends)).Unmap(), netip.AddrFrom16([16]byte(ends[16:])).Unmap()
}
