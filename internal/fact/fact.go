// Package fact is the shared vocabulary of observations: what happened, when, on which connection, from which side.
//
// Input: the live origin leg, packet captures and probes emit facts. Output: checks and records read them.
// Promises: plain data, standard library only; the same event has the same fact whoever saw it.
// Non-goals: no causes here (reason, finding).
package fact

import "time"

// Side is who did it.
type Side uint8

// The sides of a connection.
const (
	SideNone   Side = iota
	SideClient      // the end that opened the connection; on the origin leg that is Lunette
	SideServer      // the end that accepted it
)

func (s Side) String() string {
	switch s {
	case SideClient:
		return "client"
	case SideServer:
		return "server"
	}
	return ""
}

// Other is the other end; SideNone has none.
func (s Side) Other() Side {
	switch s {
	case SideClient:
		return SideServer
	case SideServer:
		return SideClient
	}
	return SideNone
}

// Fact is one observation. The zero values of Code, Size, Text, Frame and Detail mean "nothing to say"; what they mean
// otherwise stands beside each [Kind].
type Fact struct {
	Kind Kind
	At   time.Time
	Conn uint64 // connection id, unique in this process or capture
	Side Side   // who did it
	Code int
	Size int64
	Text string
	// Frame is the number of the packet that showed it, counted from 1 as Wireshark counts; 0 outside captures.
	Frame int64
	// Detail is what the message said, for the kinds that name a type of this package; nil where only the event is known.
	Detail Detail
}

// Stamp is a place in a capture.
type Stamp struct {
	At    int64 // nanoseconds since the Unix epoch, UTC
	Frame int64 // number of the packet, from 1
}

// Time is At as a time in UTC.
func (s Stamp) Time() time.Time { return time.Unix(0, s.At).UTC() }
