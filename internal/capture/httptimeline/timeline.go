package httptimeline

import (
	"bytes"
	"hash"
	"io"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Config says what is kept. Zero values mean the defaults.
type Config struct {
	Fact   func(fact.Fact) // facts in the order of time, Conn not filled
	Done   func(*Exchange) // each exchange once it is over, or when its connection is
	Bodies int             // bytes of each body to keep, 0 none
	Secure bool            // the connection is TLS: scheme https
	Unmask bool            // show credentials
}

// The bounds of a Timeline.
const (
	maxHead    = 256 << 10 // bytes of a head, a header block or a trailer section
	maxFields  = 1000      // kept of a head; further ones are counted
	maxOpen    = 1000      // exchanges that are not over
	maxBroken  = 20        // entries of Exchange.Broken
	maxInterim = 20
	maxStray   = 100      // HTTPBroken facts that belong to no exchange
	maxHeld    = 64 << 10 // bytes that wait for the first words of the client
)

// Timeline follows one connection. It is for one goroutine.
type Timeline struct {
	cfg         Config
	mask        *redact.Masker
	proto       string
	held        []held // first bytes, while it is open whether this is HTTP/2
	waits       int    // bytes in held
	openings    [3]opening
	chosen      bool // HTTP/1 or HTTP/2 was chosen
	ended       [3]bool
	closed      bool // a side has closed: what is unfinished then was not broken off by the end of the capture
	h1          http1
	h2          *http2
	number      int
	last        *Exchange // over, but bytes that should not follow it are still told
	stray       int
	hashes      []hash.Hash
	inflate     io.ReadCloser // for looks into bodies, nil until the first; reads from inflateFrom
	inflateFrom bytes.Reader
	raw         rawHead
	text        []byte // of a head, masked
	places      []place
	strict      struct {
		req  exchange.Request
		resp exchange.Response
	}
}

// New returns a Timeline. Whether it is HTTP/1 or HTTP/2 it sees by the first bytes (RFC 9113 section 3.4), whatever ALPN said.
func New(cfg Config) *Timeline {
	t := &Timeline{cfg: cfg}
	t.mask, _ = redact.New(redact.Config{}) // the zero Config is always good
	return t
}

// Data brings the next bytes of a side; p is valid until it returns.
func (t *Timeline) Data(side fact.Side, at fact.Stamp, p []byte) {
	switch {
	case side == fact.SideNone || side > fact.SideServer || len(p) == 0 || t.ended[side]:
	case !t.chosen:
		t.sniff(held{side: side, at: at, p: p})
	case t.h2 != nil:
		t.h2.data(side, at, p)
	default:
		t.data1(side, at, p)
	}
}

// Missing says that about n bytes of a side are lacking here; n ≤ 0 means that nobody knows how many.
func (t *Timeline) Missing(side fact.Side, at fact.Stamp, n int64) {
	switch {
	case side == fact.SideNone || side > fact.SideServer || t.ended[side]:
	case !t.chosen:
		t.sniff(held{side: side, at: at, missing: true, n: n})
	case t.h2 != nil:
		t.h2.missing(side, at, n)
	default:
		t.missing1(side, at, n)
	}
}

// End says that a side ends: how is TCPClosed (FIN, or a close_notify), TCPReset, or None for the end of the capture.
// A reset ends both sides.
func (t *Timeline) End(side fact.Side, at fact.Stamp, how fact.Kind) {
	if side == fact.SideNone || side > fact.SideServer || t.ended[side] {
		return
	}
	if !t.chosen {
		t.choose(false)
	}
	if t.h2 != nil {
		t.h2.end(side, at, how)
	} else {
		t.end1(side, at, how)
	}
	t.ended[side] = true
	t.closed = t.closed || how != fact.None
	if how == fact.TCPReset {
		t.ended[side.Other()] = true
	}
	if side == fact.SideServer || t.ended[fact.SideServer] {
		t.report(nil)
	}
}

// Proto is "HTTP/1.1", "HTTP/1.0", "HTTP/2", "WebSocket", or "" when it is no HTTP.
func (t *Timeline) Proto() string { return t.proto }

// begin counts a new exchange.
func (t *Timeline) begin(stream uint32) *open {
	t.number++
	return &open{x: &Exchange{Number: t.number, Stream: stream}}
}

// report hands on the exchange before, and keeps x until the next one: bytes may follow that should not.
func (t *Timeline) report(x *Exchange) {
	if t.last != nil && t.cfg.Done != nil {
		t.cfg.Done(t.last)
	}
	t.last = x
}
