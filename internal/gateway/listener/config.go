// Package listener is where clients come in: it accepts connections, speaks PROXY protocol, TLS, HTTP/1.1 and HTTP/2
// with them, and hands each request to an exchange.Handler as one exchange.Exchange.
//
// Input: an open net.Listener and the client's bytes. Output: exchanges for the handler; a record, through
// [Config].Record, of everything that never became one (a refused request, a failed handshake, a tunnelled connection).
// Promises: every length and every wait is bounded; requests of one HTTP/1.1 connection are served in order, on its own
// goroutine; certificates, limits and times are swapped without dropping a connection; after Shutdown nothing runs any more.
// Non-goals: which site a request belongs to, policy, origins, writing the log (the stages behind the handler).
package listener

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ProxyMode says whether connections begin with a PROXY protocol header.
type ProxyMode uint8

// The modes of PROXY protocol.
const (
	ProxyOff     ProxyMode = iota // never; a header is read as a bad request
	ProxyAccept                   // from trusted sources it may be there
	ProxyRequire                  // only connections from trusted sources that bring one are served
)

// Config is what a listener keeps for life. What may change is in [Sites] and [Settings].
type Config struct {
	Address  string         // as configured, for the record; default: what the socket says
	TLS      bool           // terminate (or pass through) TLS
	HTTP2    bool           // offer h2 in ALPN; only with TLS
	Sites    Sites          // certificates by name; required with TLS
	Proxy    ProxyMode      // PROXY protocol in
	Trusted  []netip.Prefix // sources whose PROXY header is believed
	Settings Settings       // the first settings; see [Listener.SetSettings]

	ConnIDs *atomic.Uint64 // numbers connections; share one between the listeners of a process. Default: an own one

	// Record takes what never reached the handler, once it is over. nil: nobody is told.
	// x.Answer.Reason is set; x.Answer.Status is 0 where no HTTP answer was given. Called from many goroutines.
	Record func(x *exchange.Exchange)

	// Refused lets rules look at a request that is about to be refused, as far as it could be read (see [exchange.Exchange].Refused), before its answer
	// is sent and Record is called. It must not answer. nil: nobody looks.
	Refused func(x *exchange.Exchange)

	// Panic takes a panic that a handler let through, or that is our own, with its stack, before its connection or stream
	// is ended and recorded as us.panic. nil: the record alone tells of it.
	Panic func(value any, stack []byte)

	// Flight keeps what crosses connections of a site, by its first name; nil, or returning nil: nobody does. Only connections on which
	// TLS is terminated are kept: the site of others is not known when they begin.
	Flight func(site string) exchange.Flight

	// Observe hears of connections and handshakes; nil: nobody does.
	Observe Observer

	// Dial opens the origin connection of a passed-through site. Required when a site has Passthrough set.
	// The attempt is filled as far as the connect went (Address, Local, DNS, Connect, Reason).
	Dial func(ctx context.Context, site string, client *exchange.Client, a *exchange.Attempt) (net.Conn, error)
}

// Settings are the limits and times that may be swapped at run time; each zero is its documented default,
// and a negative time or limit means none.
type Settings struct {
	Connections   int   // open connections of this listener; default 65536
	PerClient     int   // open connections of one client address (IPv6: one /64); default 4096
	Requests      int   // requests on one connection; default 10000
	HeaderBytes   int   // request head in bytes; default 64 KiB
	HeaderFields  int   // fields in a head; default 128
	LineBytes     int   // request line in bytes; default 16 KiB
	Body          int64 // request body in bytes; default none
	Drain         int64 // unread body bytes read and dropped to keep a connection; default 256 KiB
	Streams       int   // concurrent HTTP/2 streams of a connection; default 128
	Resets        int   // HTTP/2 streams that a client may reset, or make us reset, in ResetWindow; default 100
	ControlFrames int   // HTTP/2 PING, SETTINGS, PRIORITY and empty frames in ResetWindow; default 1000

	Idle        time.Duration // to the first byte of a request; default 60 s
	Header      time.Duration // from the first to the last byte of a head, PROXY header and TLS handshake each; default 10 s
	BodyIdle    time.Duration // between two reads of a body; default 60 s
	Write       time.Duration // one write without progress; default 60 s
	Linger      time.Duration // reading on after an answer that closes, so that the client can read it; default 2 s
	Watch       time.Duration // how long an exchange runs before we look whether its client is gone; default 20 ms
	ResetWindow time.Duration // see Resets; default 10 s
	TunnelIdle  time.Duration // passed-through connection without a byte either way; default 10 min
}

func or[T ~int | ~int64](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// withDefaults returns s with every zero replaced.
func (s Settings) withDefaults() Settings {
	or(&s.Connections, 65536)
	or(&s.PerClient, 4096)
	or(&s.Requests, 10000)
	or(&s.HeaderBytes, 64<<10)
	or(&s.HeaderFields, 128)
	or(&s.LineBytes, 16<<10)
	or(&s.Body, -1)
	or(&s.Drain, 256<<10)
	or(&s.Streams, 128)
	or(&s.Resets, 100)
	or(&s.ControlFrames, 1000)
	or(&s.Idle, 60*time.Second)
	or(&s.Header, 10*time.Second)
	or(&s.BodyIdle, 60*time.Second)
	or(&s.Write, 60*time.Second)
	or(&s.Linger, 2*time.Second)
	or(&s.Watch, 20*time.Millisecond)
	or(&s.ResetWindow, 10*time.Second)
	or(&s.TunnelIdle, 10*time.Minute)
	return s
}

// Observer hears of client connections, for metrics and for what belongs to one connection elsewhere. Calls come from
// many goroutines.
type Observer interface {
	// Opened is called for each accepted connection, before its PROXY header and handshake are read.
	Opened(c *exchange.Client)
	// Handshake is called after each TLS handshake: state is nil when it failed, and code says why.
	Handshake(c *exchange.Client, state *exchange.ClientTLS, code reason.Code)
	// Closed is called when a connection has ended, once for each Opened.
	Closed(c *exchange.Client)
}
