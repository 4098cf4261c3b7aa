package tcpstream

import (
	"net/netip"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Handler is told what happened on one connection. It must not call the Tracker.
type Handler interface {
	// Data brings the next bytes of a side's stream. p is valid until it returns; at is the packet that carried them, also when they waited.
	Data(side fact.Side, at fact.Stamp, p []byte)
	// Gap says that n bytes of a side's stream are not in the capture; those after them follow.
	Gap(side fact.Side, at fact.Stamp, n int64)
	// End says that a side sends no more after what was delivered: how is TCPClosed (FIN), TCPReset, or None when the capture
	// ends, or the connection was given up for another on the same ports or for want of memory. Both sides get one before Done;
	// TCPReset comes just before it, since segments that crossed the RST, or stand behind it in the capture, are still delivered.
	End(side fact.Side, at fact.Stamp, how fact.Kind)
	// Fact brings an observation; Conn, At and Frame are filled in. Facts that count runs come when the run is over.
	Fact(f fact.Fact)
	// Done is the last call.
	Done()
}

// Conn is one connection.
type Conn struct {
	ID             uint64 // the frame number of its first packet: the same however connections are shared among Trackers
	Client, Server netip.AddrPort
	Start          fact.Stamp
	Midstream      bool // no SYN was seen
	// What was seen so far, by fact.Side: segments of any kind, and bytes of payload on the wire, sent again or not; those of packets
	// that the capture holds twice count once. The handler may read them until Done returns.
	Packets, Bytes [3]int64
	End            fact.Stamp // of the last segment
	Spoke          fact.Stamp // of the last segment that ends a pause: see Config.Silence
}

// discard is the Handler of connections that open does not want.
type discard struct{}

func (discard) Data(fact.Side, fact.Stamp, []byte)   {}
func (discard) Gap(fact.Side, fact.Stamp, int64)     {}
func (discard) End(fact.Side, fact.Stamp, fact.Kind) {}
func (discard) Fact(fact.Fact)                       {}
func (discard) Done()                                {}
