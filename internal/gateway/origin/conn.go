package origin

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// conn is one connection to an origin. Over HTTP/1.1 it serves one exchange at a time; over HTTP/2, h2 multiplexes.
type conn struct {
	// Constant after connect.
	o        *Origin
	ep       *endpoint
	id       uint64
	slot     bool // counts against MaxConns
	sni      string
	alpnSent []string
	anew     bool // no session is resumed
	raw      *net.TCPConn
	tap      *tap
	tls      *tls.Conn // nil over plain TCP
	nc       net.Conn  // tls, or tap
	state    tlsState
	peer     *exchange.Peer
	local    netip.AddrPort
	remote   netip.AddrPort
	h2       *h2Conn
	abortFn  func() // abort, made a value once
	probe    liveness
	dead     deadWait

	// What the handshakes showed; a renegotiation may change it.
	certRequested atomic.Bool
	certSent      atomic.Bool
	offered       atomic.Bool                            // a session, to be resumed
	session       atomic.Pointer[tls.ClientSessionState] // that; kept where there is a tape

	aborted atomic.Bool // by abort
	muted   atomic.Bool // by stopWriting

	// Protected by ep.mu while idle, else owned by the exchange.
	pin       uint64 // the client connection that it belongs to, 0: any (NTLM, Negotiate, a client certificate)
	idleSince time.Time
	private   bool // for nobody after the exchange that runs
	uses      int
	reused    bool

	// One HTTP/1.1 exchange at a time.
	rd   *httpwire.Reader
	call call
	one  [1]byte
}

// tlsState is what the record shows of the first handshake.
type tlsState struct {
	version uint16
	cipher  uint16
	alpn    string
	resumed bool
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// abort ends all I/O of the exchange that runs, and for good.
func (c *conn) abort() {
	c.aborted.Store(true)
	_ = c.raw.SetDeadline(longAgo)
}

// stopWriting ends the sending of a request body.
func (c *conn) stopWriting() {
	c.muted.Store(true)
	_ = c.raw.SetWriteDeadline(longAgo)
}

// readBy sets the read deadline, unless abort came before: the order of the two calls does not matter.
func (c *conn) readBy(t time.Time) {
	_ = c.raw.SetReadDeadline(t)
	if c.aborted.Load() {
		_ = c.raw.SetReadDeadline(longAgo)
	}
}

// renegotiating bounds a renegotiation by the first_byte timeout: while a request body is on its way nothing else does,
// and the body waits for the handshake.
func (c *conn) renegotiating(begins bool) {
	now := c.o.now()
	switch {
	case begins:
		c.watch(nil)
		c.readBy(c.call.deadline(now, c.o.cfg.Timeouts.FirstByte))
	case c.call.resp.Upgraded != nil:
		c.readBy(time.Time{})
	default:
		c.call.await(now)
	}
}

// writeBy is readBy for writing.
func (c *conn) writeBy(t time.Time) {
	_ = c.raw.SetWriteDeadline(t)
	if c.aborted.Load() || c.muted.Load() {
		_ = c.raw.SetWriteDeadline(longAgo)
	}
}

// close ends the connection: with a close_notify where TLS still works, never waiting for it.
func (c *conn) close() {
	if c.tls != nil && c.tap.refused.Load() == nil {
		_ = c.tls.Close()
	}
	_ = c.raw.Close()
	if c.tap.tape != nil {
		c.tap.tape.Close()
	}
	c.o.live.remove(c.id)
	c.ep.left(c.slot)
}

// unread reports whether the origin has sent more than was asked of it, as far as that was read off the socket already:
// behind the response, or in a further TLS record. What still lies in the socket the liveness check finds.
func (c *conn) unread() bool {
	if c.rd.Buffered() > 0 {
		return true
	}
	if c.tls == nil {
		return false
	}
	c.tap.dry = true
	n, err := c.tls.Read(c.one[:])
	c.tap.dry = false
	return n > 0 || err != errDry{}
}

// old reports whether the connection speaks a TLS version in which the origin may renegotiate.
func (c *conn) old() bool { return c.tls != nil && c.state.version < tls.VersionTLS13 }

// describe fills the part of an attempt's record that the connection knows.
func (c *conn) describe(a *exchange.Attempt) {
	a.ConnID, a.Local, a.Address, a.Reused = c.id, c.local, c.remote, a.Reused || c.reused
	a.Opening, a.Tape = c.tap.opening, c.tap.tape
	if c.h2 == nil {
		a.Uses = c.uses
	} else {
		a.Uses = c.h2.served()
	}
	a.SNI, a.ALPNSent, a.ALPN = c.sni, c.alpnSent, c.state.alpn
	a.TLSVersion, a.Cipher, a.Resumed, a.Peer = c.state.version, c.state.cipher, c.state.resumed, c.peer
	a.Proto = exchange.HTTP11 // until an answer says otherwise
	if c.h2 != nil {
		a.Proto = exchange.HTTP2
	}
}

// settle fills what the tap has seen by the end of an attempt.
func (c *conn) settle(a *exchange.Attempt) {
	a.CertRequested, a.CertSent = c.certRequested.Load() || c.tap.hello.certRequest, c.certSent.Load()
	a.AlertReceived, a.AlertSent = int(c.tap.alertIn.Load()), int(c.tap.alertOut.Load())
	if noted := c.tap.takeFacts(); len(noted) > 0 {
		a.Facts = append(a.Facts, noted...)
		slices.SortStableFunc(a.Facts, byTime)
	}
}
