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
