package origin

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// The states of the TLS connection as its record headers show them.
const (
	tapHandshake int32 = iota // the first handshake
	tapSteady                 // TLS <= 1.2 after it: a handshake record of the origin is a HelloRequest
	tapReneg                  // between a HelloRequest and the end of the handshake that follows
	tapOpaque                 // TLS 1.3 or no TLS: record types say nothing
)

// maxFacts bounds what one connection leaves behind.
const maxFacts = 64

// tap stands between crypto/tls and the socket, sees every record header of both directions, and keeps what they prove.
// crypto/tls hides all of it: HelloRequests, the alerts, and what a server offered before the handshake failed.
type tap struct {
	net.Conn
	id   uint64
	tape exchange.Tape // keeps what crosses; nil: nobody does
	pol  renegPolicy

	state    atomic.Int32
	sent     atomic.Int64 // bytes on the wire
	received atomic.Int64
	heard    atomic.Int64 // when bytes came last, nanoseconds since the epoch
	renegs   atomic.Int32 // HelloRequests so far
	alertIn  atomic.Int32 // last alert in clear, -1 for none
	alertOut atomic.Int32
	onTurn   func(begins bool) // a renegotiation begins or ends; called while reading
	onIn     func(tlswire.Record)
	onOut    func(tlswire.Record)

	// Reading side.
	in    tlswire.RecordScanner
	msgs  tlswire.MessageScanner
	onMsg func(tlswire.Message)
	ccsIn bool
	hello serverSays
	dry   bool // Read takes nothing off the socket: see unread

	// refused is why the tap ended the connection: stored while reading, and asked for by whoever writes.
	refused atomic.Pointer[reason.Error]
	// pushed says that application data came between a HelloRequest and the end of the handshake.
	pushed atomic.Bool

	out    tlswire.RecordScanner
	ccsOut bool

	// asked is when a HelloRequest came that was not answered yet, nanoseconds since the epoch; 0: none waits.
	asked atomic.Int64
	// helloAt is how many bytes of ours stand before the ClientHello that answers it.
	helloAt atomic.Int64
	// unwritten is why a write failed after the handshake: nothing leaves behind it.
	unwritten atomic.Pointer[writeFailed]
	// eof says that the socket ended: an end of the stream without it is a close_notify.
	eof atomic.Bool

	// opening is what crossed the wire until the first handshake was over; of the goroutine that runs it. Nil in clear.
	opening *exchange.Opening
	kept    int // bytes of it

	mu    sync.Mutex
	facts []fact.Fact
}

// renegPolicy bounds what the origin may ask for on one connection.
type renegPolicy struct {
	max      int  // HelloRequests that are let through to crypto/tls
	insecure bool // even without RFC 5746
	http2    bool // set once ALPN chose h2: RFC 9113 section 9.2.1 forbids renegotiation
}

// spent reports whether the next HelloRequest on the connection would be one too many.
func (t *tap) spent() bool { return t.pol.max > 0 && int(t.renegs.Load()) >= t.pol.max }

// serverSays is what the origin's first flight showed in clear.
type serverSays struct {
	seen        bool // a ServerHello arrived
	version     uint16
	cipher      uint16
	secureReneg bool // renegotiation_info (RFC 5746)
	certRequest bool // CertificateRequest in a TLS <= 1.2 handshake
	weakSig     bool // ServerKeyExchange signed with SHA-1 or MD5
}

func newTap(c net.Conn, id uint64, pol renegPolicy) *tap {
	t := &tap{Conn: c, id: id, pol: pol}
	t.alertIn.Store(-1)
	t.alertOut.Store(-1)
	t.in.Collect = tlswire.MaxRecordPayload
	t.onIn, t.onOut, t.onMsg = t.recordIn, t.recordOut, t.message
	return t
}

// established tells the tap that the first handshake is over.
func (t *tap) established(version uint16, http2 bool) {
	t.in.Collect = 0
	t.pol.http2 = http2
	if version >= tlswire.VersionTLS13 {
		t.state.Store(tapOpaque)
		return
	}
	t.state.Store(tapSteady)
}

func (t *tap) note(f fact.Fact) {
	f.At, f.Conn = time.Now(), t.id
	if t.tape != nil && (f.Kind == fact.TLSVerified || f.Kind == fact.ContinueWaited) { // bytes do not show it
		t.tape.Note(f)
	}
	t.mu.Lock()
	if len(t.facts) < maxFacts {
		t.facts = append(t.facts, f)
	}
	t.mu.Unlock()
}

// alerted takes an alert of which crypto/tls tells: one that was sealed was not seen on the wire.
func (t *tap) alerted(n int, remote bool) {
	f := fact.Fact{Kind: fact.TLSAlert, Side: fact.SideClient, Code: n, Text: tlswire.AlertName(uint8(n)), Size: 2}
	last := &t.alertOut
	if remote {
		f.Side, last = fact.SideServer, &t.alertIn
	}
	if n == alertNoRenegotiation || n == 0 {
		f.Size = 1 // crypto/tls sends these two as warnings
	}
	if last.Swap(int32(n)) != int32(n) {
		t.note(f)
	}
}

// takeFacts hands over what was noted since the last call.
func (t *tap) takeFacts() []fact.Fact {
	t.mu.Lock()
	f := t.facts
	t.facts = nil
	t.mu.Unlock()
	return f
}

func (t *tap) Read(p []byte) (int, error) {
	if r := t.refused.Load(); r != nil {
		return 0, r
	}
	if t.dry {
		return 0, errDry{}
	}
	n, err := t.Conn.Read(p)
	if err == io.EOF {
		t.eof.Store(true)
	}
	if n > 0 {
		at := time.Now().UnixNano()
		t.received.Add(int64(n))
		t.heard.Store(at)
		if t.tape != nil {
			t.tape.Wire(fact.SideServer, at, p[:n])
		}
		if state := t.state.Load(); state != tapOpaque {
			if state == tapHandshake {
				t.keep(time.Now(), fact.SideServer, p[:n])
			}
			t.in.Feed(p[:n], t.onIn)
		}
		if r := t.refused.Load(); r != nil {
			return 0, r
		}
	}
	if err != nil && t.tape != nil {
		t.noteOver(err)
	}
	return n, err
}

// errDry ends a Read that should see only what was read already. It passes for a timeout, which crypto/tls survives.
type errDry struct{}

func (errDry) Error() string   { return "read nothing off the socket" }
func (errDry) Timeout() bool   { return true }
func (errDry) Temporary() bool { return true }

// closePatience bounds how long a close_notify may wait for room in the socket's buffer.
const closePatience = 100 * time.Millisecond

// SetWriteDeadline is called by crypto/tls alone, before its close_notify; Lunette sets deadlines on the socket itself.
// The five seconds that crypto/tls would wait there are too many for whoever closes.
func (t *tap) SetWriteDeadline(at time.Time) error {
	if soon := time.Now().Add(closePatience); at.After(soon) {
		at = soon
	}
	return t.Conn.SetWriteDeadline(at)
}

func (t *tap) Write(p []byte) (int, error) {
	state, at := t.state.Load(), time.Time{}
	switch state {
	case tapHandshake:
		at = time.Now()
	case tapOpaque:
	default: // before it leaves: another goroutine may read the answer at once
		if w := t.unwritten.Load(); w != nil {
			return 0, w.err
		}
		t.out.Feed(p, t.onOut)
	}
	if t.tape != nil {
		t.tape.Wire(fact.SideClient, time.Now().UnixNano(), p)
	}
	n, err := t.Conn.Write(p)
	t.sent.Add(int64(n))
	t.noteUnwritten(state, err)
	if state == tapHandshake && n > 0 { // what a reset kept from leaving was not said
		t.keep(at, fact.SideClient, p[:n])
		t.out.Feed(p[:n], t.onOut)
	}
	return n, err
}
