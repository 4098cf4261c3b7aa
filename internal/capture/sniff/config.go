package sniff

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// Any is the name that stands for all interfaces of the network namespace at once.
const Any = "any"

// The bounds of a Config.
const (
	DefaultSnap = 256 << 10 // bytes of a packet
	DefaultRing = 16 << 20  // bytes
	MinSnap     = 64
	MinRing     = 1 << 20
	MaxRing     = 512 << 20
)

// Config says what to take. The zero value takes all packets of all interfaces.
type Config struct {
	Interface string // "" and "any": all interfaces, in frames of pcap.LinkSLL2
	// Filter picks packets, nil: all. It must be compiled for the link type that [LinkOf] gives for Interface: an offset is counted from there.
	Filter []bpf.RawInstruction
	Snap   int // the most bytes of each packet, MinSnap to pcap.MaxPacket; 0: DefaultSnap. With 65536 the ring is cut into smaller pieces, see Ring
	// Ring is how many bytes wait for a slow reader, MinRing to MaxRing, rounded to pieces of twice Snap or so; 0: DefaultRing. A piece is handed
	// over when it is full or its time is up (100 ms, with Immediate 10 ms), so a ring of n pieces bridges a reader that
	// pauses for n times that in sparse traffic, and more than that never.
	Ring        int
	Promiscuous bool // also frames to other stations; without effect on "any"
	Immediate   bool // hand packets over within about 10 ms rather than 100 ms
}

// normal fills defaults in and refuses what is out of bounds.
func (c Config) normal() (Config, error) {
	if c.Interface == "" {
		c.Interface = Any
	}
	if c.Snap == 0 {
		c.Snap = DefaultSnap
	}
	if c.Ring == 0 {
		c.Ring = DefaultRing
	}
	switch {
	case c.Snap < MinSnap || c.Snap > pcap.MaxPacket:
		return c, fmt.Errorf("open capture: %d bytes of a packet are out of bounds, %d to %d", c.Snap, MinSnap, pcap.MaxPacket)
	case c.Ring < MinRing || c.Ring > MaxRing:
		return c, fmt.Errorf("open capture: a ring of %d bytes is out of bounds, %d to %d", c.Ring, MinRing, MaxRing)
	}
	return c, nil
}

// Interface is one interface that can be captured on.
type Interface struct {
	Index     int // 0: all of them
	Name      string
	Link      pcap.LinkType // of its frames
	MTU       int           // bytes; 0 for all of them
	Up        bool
	Loopback  bool
	Addresses []netip.Addr
}

// Origin says where the latest packet was seen.
type Origin struct {
	Outgoing  bool // this machine sends it; on loopback always false
	Interface int  // the index of the interface, see Interfaces
}

// The errors that callers tell apart.
var (
	ErrNotAllowed  = errors.New("not allowed to capture")        // see Allowed
	ErrUnsupported = errors.New("not possible on this system")   // live capture needs Linux
	ErrNoInterface = errors.New("no such interface")             // or it was removed meanwhile
	ErrDown        = errors.New("interface is down")             // Next may be called again: when it comes up packets come again
	ErrIdle        = errors.New("no packet before the deadline") // of NextBefore
	ErrClosed      = errors.New("capture is closed")             // by Close
)
