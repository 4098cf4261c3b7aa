package check

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// AtServer reports whether the packets were watched where the server is, so that what it did not send there it did not send at all: both
// ends are one machine, or the SYN-ACK followed the SYN at once and the client's ACK came a round trip later. False where nobody can tell.
func (f *Flow) AtServer() bool {
	if f.Watched&Packets == 0 {
		return false
	}
	if f.Server.Addr().IsLoopback() || f.Server.IsValid() && f.Server.Addr() == f.Client.Addr() {
		return true
	}
	syn, synAck, ack := f.First(fact.TCPSyn), f.First(fact.TCPSynAck), f.First(fact.TCPConnected)
	if syn < 0 || synAck < 0 || ack < 0 || f.SynsAgain() > 0 {
		return false
	}
	const apart = 500 * time.Microsecond // less is no way between machines
	here, way := f.Since(syn, synAck), f.Since(synAck, ack)
	return way >= apart && here < way/5
}

// OddTTL reports whether the RST at index i came with another TTL (hop limit) than the server's SYN-ACK, with both: then another machine
// made it, or it came by another way. False where either is not known.
func (f *Flow) OddTTL(i int) (synAck, reset int, odd bool) {
	at := f.First(fact.TCPSynAck)
	if at < 0 || i < 0 || f.Facts[i].Kind != fact.TCPReset || f.Facts[i].Side != fact.SideServer {
		return 0, 0, false
	}
	a, _ := f.Facts[at].Detail.(*fact.TCPOptions)
	b, _ := f.Facts[i].Detail.(*fact.TCPOptions)
	if a == nil || b == nil || a.TTL == 0 || b.TTL == 0 {
		return 0, 0, false
	}
	return a.TTL, b.TTL, a.TTL != b.TTL
}
