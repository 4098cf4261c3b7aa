// Package synth puts packets around recorded bytes, so that whatever opens a capture opens a recording.
//
// Input: a [recording.Recording]. Output: its packets, one by one: the TCP handshake, segments with the times and bytes of the pieces,
// FIN and RST as they were. Promises: pure, one buffer per connection whatever its length; sequence numbers, lengths and checksums are
// right. Bytes that were not kept leave a hole in the sequence numbers. Windows, TTLs, options, acknowledgements and MAC addresses are
// made up: such packets prove nothing about the network. Non-goals: files (package pcap), facts (package analysis).
package synth

import (
	"net/netip"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// MSS is the most bytes of payload in a packet.
const MSS = 1400

// mostLost is the most that one hole moves the sequence numbers: the largest window (RFC 7323 section 2.3).
const mostLost = 1 << 30

// Conn yields the packets of one recording.
type Conn struct {
	r      *recording.Recording
	addr   [3]netip.AddrPort // by fact.Side
	v6     bool
	next   [3]uint32 // sequence number of the next byte
	ended  [3]bool
	opened int // packets of the TCP handshake that were yielded
	piece  int // the next one
	used   int // bytes of its Data that were yielded
	last   int64
	ids    uint16
	buf    [etherLen + ip6Len + tcpLen + optionsLen + MSS]byte
}

// New returns the packets of r, which must not change meanwhile. Bounds of r are those of package recording.
func New(r *recording.Recording) *Conn {
	c := &Conn{r: r, next: [3]uint32{fact.SideClient: 1000, fact.SideServer: 5000}}
	c.addr[fact.SideClient], c.addr[fact.SideServer], c.v6 = ends(r.Client, r.Server)
	return c
}

// ends are both addresses in one family; one that is unknown becomes the unspecified address.
func ends(client, server netip.AddrPort) (a, b netip.AddrPort, v6 bool) {
	c, s := client.Addr().Unmap(), server.Addr().Unmap()
	v6 = c.Is6() || s.Is6()
	fill := func(x netip.Addr) netip.Addr {
		switch {
		case x.IsValid() && v6:
			return netip.AddrFrom16(x.As16())
		case x.IsValid():
			return x
		case v6:
			return netip.IPv6Unspecified()
		}
		return netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(fill(c), client.Port()), netip.AddrPortFrom(fill(s), server.Port()), v6
}

// Next fills p with the next packet; false: there is none. p.Data is valid until the next call.
func (c *Conn) Next(p *pcap.Packet) bool {
	if c.opened < 3 {
		if done, ok := c.open(p); ok || done {
			return ok
		}
	}
	for c.piece < len(c.r.Pieces) {
		if c.step(p) {
			return true
		}
	}
	return false
}

// open yields the packets of the handshake. done: there are no packets behind these.
func (c *Conn) open(p *pcap.Packet) (done, ok bool) {
	start := c.r.Start.UnixNano()
	at, connected := c.r.Connected()
	c.opened++
	switch {
	case c.opened == 1:
		c.make(p, start, fact.SideClient, packet.SYN, nil)
		c.next[fact.SideClient]++
		return false, true
	case !connected:
		if at, refused := c.refused(); refused && c.opened == 2 {
			c.make(p, at, fact.SideServer, packet.RST|packet.ACK, nil)
			return false, true
		}
		c.opened = 2
		c.piece = len(c.r.Pieces)
		return true, false
	case c.opened == 2:
		c.make(p, at, fact.SideServer, packet.SYN|packet.ACK, nil)
		c.next[fact.SideServer]++
		return false, true
	}
	c.make(p, at, fact.SideClient, packet.ACK, nil)
	return false, true
}

// refused says when the server answered the SYN with an RST, if it did.
func (c *Conn) refused() (at int64, ok bool) {
	for i := range c.r.Facts {
		if f := &c.r.Facts[i]; f.Kind == fact.TCPFailed && f.Text == "ECONNREFUSED" {
			return c.r.At(f.At), true
		}
	}
	return 0, false
}

// step goes on in the pieces; true: it made a packet.
func (c *Conn) step(p *pcap.Packet) bool {
	x := &c.r.Pieces[c.piece]
	s := x.Side
	if s != fact.SideClient && s != fact.SideServer || c.ended[s] || c.ended[fact.SideNone] {
		c.piece++
		return false
	}
	at := c.r.At(x.At)
	switch {
	case x.Lost > 0:
		c.next[s] += uint32(min(x.Lost, mostLost))
		c.piece++
		return false
	case x.End == fact.TCPReset:
		c.make(p, at, s, packet.RST|packet.ACK, nil)
		c.ended[s], c.ended[fact.SideNone] = true, true
	case x.End != fact.None:
		c.make(p, at, s, packet.FIN|packet.ACK, nil)
		c.next[s]++
		c.ended[s] = true
	default:
		part := x.Data[c.used:min(len(x.Data), c.used+MSS)]
		if len(part) == 0 {
			c.piece, c.used = c.piece+1, 0
			return false
		}
		flags := packet.ACK
		if c.used += len(part); c.used == len(x.Data) {
			flags |= packet.PSH
		}
		c.make(p, at, s, flags, part)
		c.next[s] += uint32(len(part))
		return true
	}
	c.piece++
	return true
}
