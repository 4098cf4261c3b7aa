package origin

import (
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// look is what one moment shows of a connection that waits.
type look struct {
	at        time.Time
	reneg     bool  // between a HelloRequest and the end of the handshake
	unsaid    bool  // our ClientHello could not even be written
	hello     int64 // bytes of ours that stand before our ClientHello
	received  int64 // bytes of the origin's that we have read
	overtaken bool  // the answer has begun, the request body is still being written
	tcp       tcpState
	known     bool // tcp is; false where the system does not tell
}

// tcpState is what the kernel knows of the connection.
type tcpState struct {
	window  uint32        // bytes that the origin takes
	acked   int64         // bytes of ours that the origin's kernel has
	arrived int64         // bytes of the origin's that ours has, read or not
	unread  int           // of these, not read by us
	waiting int           // bytes of ours that the origin's kernel has not taken
	heard   time.Duration // since the origin's kernel last acknowledged anything, if only a window probe
}

// standstillKind is why nothing moves.
type standstillKind uint8

const (
	moving      standstillKind = iota // it does, or might
	bodyInFront                       // the origin waits for our ClientHello, which lies behind bytes that it does not take
	helloTaken                        // the origin has our ClientHello, and says nothing
	bothShut                          // neither end takes what the other has to say
)

// proven reports whether neither end can go on as long as it does what it said that it does.
func (k standstillKind) proven() bool { return k == bodyInFront }

// reason is what an exchange ends with that waits so.
func (k standstillKind) reason() *reason.Error {
	switch k {
	case bodyInFront:
		return reason.New(reason.TLSRenegotiationFailed, "the origin reads no more of the request body (window 0), and our ClientHello, for which it waits, lies behind that", nil)
	case helloTaken:
		return reason.New(reason.TLSRenegotiationFailed, "no answer to our ClientHello", nil)
	}
	return reason.New(reason.WriteTimeout, "neither end reads: the origin takes no more of the request (window 0), the client no more of the answer", nil)
}

// standstill is for how long nothing has moved.
type standstill struct {
	before int64 // received when the HelloRequest came
	kind   standstillKind
	since  time.Time
	last   look
}

// see takes the next look and says what stands still and since how long without any change at all.
func (s *standstill) see(l look) (standstillKind, time.Duration) {
	kind := s.judge(&l)
	if kind != s.kind || s.last.tcp.acked != l.tcp.acked || s.last.tcp.arrived != l.tcp.arrived {
		s.kind, s.since = kind, l.at
	}
	s.last = l
	still := l.at.Sub(s.since)
	if kind == moving || l.known && l.tcp.heard > still && kind != helloTaken { // a host that acknowledges nothing is lost, or far: no window of 0 is news then
		return moving, 0
	}
	return kind, still
}

func (s *standstill) judge(l *look) standstillKind {
	shut := l.known && l.tcp.window == 0 && l.tcp.waiting > 0
	switch {
	case l.reneg && l.received != s.before: // it speaks
		return moving
	case l.reneg && shut && (l.unsaid || l.tcp.acked <= l.hello):
		return bodyInFront
	case l.reneg && !l.unsaid:
		return helloTaken
	case l.overtaken && shut && l.tcp.unread > 0:
		return bothShut
	}
	return moving
}
