package tcpstream

import "github.com/lunette-waf/lunette/internal/budget"

// Config bounds a Tracker. Zero values mean the defaults.
type Config struct {
	Budget *budget.Budget // for waiting segments and connections
	// Window is how much of a connection may wait for bytes that are missing, before these are called a gap.
	Window   Window
	Idle     int64 // nanoseconds of the capture's time after which a connection without traffic is over when room is needed; default 10 minutes
	MaxConns int   // at once; the one that was idle for longest makes room; default 65,536
	// Silence is a pause of a connection, nanoseconds, from which the handler gets a fact.Silence (Side none, At and Frame of the last
	// segment before it, Size) before the segment that ends it is looked at. Keep-alives and their answers, pure ACKs and
	// window updates neither begin nor end a pause; what is sent again, SYN, FIN and RST do. 0: none.
	Silence int64
}

// Window bounds how long segments wait for an earlier one: whichever is reached first.
type Window struct {
	Bytes    int // default 1 MiB
	Segments int // of this connection, after the first that waits; default 1024
}

// Stats is what a Tracker saw.
type Stats struct {
	Connections int64
	Evicted     int64 // given up for want of room
	Ignored     int64 // segments that belong to no connection that could be followed (stray RST, ACK only), or lie outside its window
}

const (
	ms = 1_000_000 // nanoseconds

	// linger is how long after its last segment a connection that both sides closed, or one reset, still takes late ones.
	linger = 3_000 * ms
	// twice is how close together the two copies of a packet stand that was captured twice; narrow where neither IP-ID nor
	// timestamps tell it from a packet sent twice.
	twice, twiceNarrow = 5 * ms, ms / 20
	// disorder is how late a segment may come, at least, and still count as out of order and not as sent again (Wireshark's 3 ms).
	disorder = 3 * ms
	// farthest is how far ahead of its stream a sequence or acknowledgement number may be: the largest window (RFC 7323 section 2.3).
	farthest = 1 << 30
	// near is how far off the numbers of an RST, or of a segment after the end, may be.
	near = 1 << 20
)

// withDefaults returns cfg with the documented defaults filled in.
func (cfg Config) withDefaults() Config {
	if cfg.Window.Bytes <= 0 {
		cfg.Window.Bytes = 1 << 20
	}
	if cfg.Window.Segments <= 0 {
		cfg.Window.Segments = 1024
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 600_000 * ms
	}
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 1 << 16
	}
	return cfg
}
