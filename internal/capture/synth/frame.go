package synth

import (
	"encoding/binary"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Lengths of headers, bytes.
const (
	etherLen   = 14
	ip4Len     = 20
	ip6Len     = 40
	tcpLen     = 20
	optionsLen = 8 // of a SYN
)

const (
	window  = 65535
	scale   = 14 // so that no window ever looks full
	hops    = 64
	tcpID   = 6
	typeIP4 = 0x0800
	typeIP6 = 0x86dd
)

// make fills p with a packet of side s. Times never run backwards within a connection.
func (c *Conn) make(p *pcap.Packet, at int64, s fact.Side, flags uint8, payload []byte) {
	c.last = max(c.last, at)
	b := c.buf[:0]
	b = append(b, 2, 0, 0, 0, 0, byte(s.Other()), 2, 0, 0, 0, 0, byte(s)) // locally administered addresses
	size := tcpLen + len(payload)
	if flags&packet.SYN != 0 {
		size += optionsLen
	}
	if c.v6 {
		b = c.ip6(b, s, size)
	} else {
		b = c.ip4(b, s, size)
	}
	b = c.tcp(b, s, flags, payload)
	*p = pcap.Packet{At: c.last, Link: pcap.LinkEthernet, Length: len(b), Data: b}
}

func (c *Conn) ip4(b []byte, s fact.Side, size int) []byte {
	b = binary.BigEndian.AppendUint16(b, typeIP4)
	head := len(b)
	c.ids++
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(ip4Len+size))
	b = binary.BigEndian.AppendUint16(b, c.ids)
	b = append(b, 0x40, 0, hops, tcpID, 0, 0) // not to be cut
	src, dst := c.addr[s].Addr().As4(), c.addr[s.Other()].Addr().As4()
	b = append(append(b, src[:]...), dst[:]...)
	binary.BigEndian.PutUint16(b[head+10:], ^fold(sum(0, b[head:])))
	return b
}

func (c *Conn) ip6(b []byte, s fact.Side, size int) []byte {
	b = binary.BigEndian.AppendUint16(b, typeIP6)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	b = append(b, tcpID, hops)
	src, dst := c.addr[s].Addr().As16(), c.addr[s.Other()].Addr().As16()
	return append(append(b, src[:]...), dst[:]...)
}

func (c *Conn) tcp(b []byte, s fact.Side, flags uint8, payload []byte) []byte {
	head := len(b)
	b = binary.BigEndian.AppendUint16(b, c.addr[s].Port())
	b = binary.BigEndian.AppendUint16(b, c.addr[s.Other()].Port())
	b = binary.BigEndian.AppendUint32(b, c.next[s])
	ack, length := uint32(0), byte(tcpLen/4)
	if flags&packet.ACK != 0 {
		ack = c.next[s.Other()]
	}
	if flags&packet.SYN != 0 {
		length += optionsLen / 4
	}
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, length<<4, flags)
	b = binary.BigEndian.AppendUint16(b, window)
	b = append(b, 0, 0, 0, 0)
	if flags&packet.SYN != 0 {
		b = append(b, 2, 4, MSS>>8, MSS&0xff, 1, 3, 3, scale)
	}
	b = append(b, payload...)
	addresses := 2 * 4
	if c.v6 {
		addresses = 2 * 16
	}
	total := sum(tcpID+uint32(len(b)-head), b[head-addresses:]) // pseudo header and segment (RFC 9293 section 3.1)
	binary.BigEndian.PutUint16(b[head+16:], ^fold(total))
	return b
}

// sum adds up 16-bit words (RFC 1071).
func sum(n uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		n += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		n += uint32(b[0]) << 8
	}
	return n
}

func fold(n uint32) uint16 {
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}
