package exchange

import (
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Flight is the flight recorder as the other stages see it. gateway/flight fulfils it; a stage without one records nothing.
type Flight interface {
	// Open begins the tape of a connection that has just been made. It returns nil where none is kept.
	Open(c Taped) Tape
}

// Taped is the connection that a tape is about.
type Taped struct {
	ConnID  uint64
	Client  netip.AddrPort // the end that opened it: on the origin leg Lunette
	Server  netip.AddrPort
	Name    string        // host name that was wanted: SNI, else host
	URL     string        // the configured origin URL; "" on the client leg
	Start   time.Time     // when the connection was asked for
	Connect time.Duration // until TCP was connected
	TLS     bool          // TLS will be spoken: bytes are records
}

// Tape keeps what crosses one connection. Wire is called by at most one goroutine for each side at a time, the rest by any. No method
// waits, and none of what is passed is kept by reference.
type Tape interface {
	// Wire takes bytes as they crossed the wire (ciphertext, where TLS is spoken): ours before they leave, the other end's once they
	// came. at is in nanoseconds since the Unix epoch.
	Wire(s fact.Side, at int64, p []byte)
	// Secret takes lines of an NSS key log that belong to the connection.
	Secret(lines []byte)
	// Note takes a fact that bytes do not show; TCPClosed and TCPReset say how a side ended.
	Note(f fact.Fact)
	// Turn says whose turn it is in x, an exchange that the connection carries. Its goroutine is the first to say so.
	Turn(x *Exchange, t Turn)
	// Close says that the connection is over.
	Close()
}

// Turn is who has to do something next for an exchange.
type Turn uint8

// The turns.
const (
	TurnOver   Turn = iota // the exchange has left the connection
	TurnOurs               // we write, or do not read: silence is ours
	TurnOrigin             // we wait for the origin: to answer, or to go on
	TurnTaking             // we write, and wait for the origin to take it
)
