// Package recording keeps what crossed a connection of our own: bytes with their times and sides, how it ended, and its secrets.
//
// Input: a net.Conn, wrapped by [New]. Output: a [Recording], from which analysis makes the same facts as from a capture, and
// capture/synth makes packets. Promises: bounded memory; the copy costs no wait on another goroutine but for a lock that is held for
// the copy alone. Non-goals: reading what the bytes mean.
package recording

import (
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Recording is one connection as our end of it saw it. It must not be read while its connection is in use, but by [Conn.Snapshot].
type Recording struct {
	ID             uint64 // unique in its run
	Client, Server netip.AddrPort
	Name           string        // host name that was wanted
	Purpose        string        // what a probe made it for, "" for traffic
	Variant        bool          // made on purpose as no client in earnest would: that it fails is no failure
	Start          time.Time     // when the connection was asked for
	Connect        time.Duration // until TCP was connected; -1 when it never was: then Facts say why
	End            time.Time     // when we stopped looking
	Pieces         []Piece       // in order of time
	Omitted        int64         // bytes beyond the bound, which Pieces count and do not hold
	Short          bool          // bytes or secrets that should be here are not: memory was used up
	KeyLog         []byte        // lines of an NSS key log
	Facts          []fact.Fact   // what bytes do not show: TCPFailed, GaveUp, TLSVerified, ConnReused; in order of time
}

// Piece is what one side sent at once, or how it ended.
type Piece struct {
	At    time.Time
	Side  fact.Side
	Data  []byte
	End   fact.Kind // TCPClosed or TCPReset for an end, which has no Data; else None
	Lost  int64     // bytes that followed here and were not kept, from At until the next piece of this side; such a piece has no Data
	Until time.Time // when the last of the Lost bytes came; zero for other pieces
	// Of Lost bytes that begin and end between two TLS records. Records is how many there are, 0 where that is not known; Tail are the
	// last bytes of the last one, up to 16: in TLS 1.0 they open what follows.
	Records int64
	Tail    []byte
}
