package origin

import (
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

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
	id  uint64
	pol renegPolicy

	state    atomic.Int32
	sent     atomic.Int64 // bytes on the wire
	received atomic.Int64
	renegs   atomic.Int32 // HelloRequests so far
	alertIn  atomic.Int32 // last alert in clear, -1 for none
	alertOut atomic.Int32
	onIn     func(tlswire.Record)
	onOut    func(tlswire.Record)

	// Reading side.
	in      tlswire.RecordScanner
	msgs    tlswire.MessageScanner
	onMsg   func(tlswire.Message)
	ccsIn   bool
	refused *reason.Error // why reading ended here
	hello   serverSays

	out    tlswire.RecordScanner
	ccsOut bool

	mu    sync.Mutex
	facts []fact.Fact
}

// renegPolicy bounds what the origin may ask for on one connection.
type renegPolicy struct {
	max      int  // HelloRequests that are let through to crypto/tls
	insecure bool // even without RFC 5746
	http2    bool // set once ALPN chose h2: RFC 9113 section 9.2.1 forbids renegotiation
}

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
	t.mu.Lock()
	if len(t.facts) < maxFacts {
		t.facts = append(t.facts, f)
	}
	t.mu.Unlock()
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
	if t.refused != nil {
		return 0, t.refused
	}
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.received.Add(int64(n))
		if t.state.Load() != tapOpaque {
			t.in.Feed(p[:n], t.onIn)
		}
		if t.refused != nil {
			return 0, t.refused
		}
	}
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	if t.state.Load() != tapOpaque {
		t.out.Feed(p, t.onOut)
	}
	n, err := t.Conn.Write(p)
	t.sent.Add(int64(n))
	return n, err
}

func (t *tap) recordIn(r tlswire.Record) {
	switch r.Type {
	case tlswire.TypeAlert:
		if r.Length == 2 && !t.ccsIn {
			t.alertIn.Store(int32(r.Head[1]))
			t.note(fact.Fact{Kind: fact.TLSAlert, Side: fact.SideServer, Code: int(r.Head[1]), Text: tlswire.AlertName(r.Head[1])})
		}
	case tlswire.TypeChangeCipherSpec:
		t.ccsIn = true
	case tlswire.TypeHandshake:
		t.handshakeIn(r)
	}
}

// handshakeIn follows the handshake messages of the origin: readable before its ChangeCipherSpec, afterwards only counted.
func (t *tap) handshakeIn(r tlswire.Record) {
	switch t.state.Load() {
	case tapHandshake:
		if !t.ccsIn {
			t.msgs.Feed(r.Head, t.onMsg)
		}
	case tapSteady:
		t.helloRequest(r.Length)
	case tapReneg:
		if t.ccsIn { // the Finished behind the second ChangeCipherSpec
			t.state.Store(tapSteady)
			t.note(fact.Fact{Kind: fact.TLSRenegotiated, Side: fact.SideServer})
		}
	}
}

func (t *tap) helloRequest(size int) {
	n := t.renegs.Add(1)
	t.note(fact.Fact{Kind: fact.TLSHelloRequest, Side: fact.SideServer, Size: int64(size)})
	switch {
	case t.pol.http2:
		t.refused = reason.New(reason.TLSRenegotiationRefused, "over http/2", nil)
	case !t.hello.secureReneg && !t.pol.insecure && t.pol.max > 0:
		t.refused = reason.New(reason.TLSRenegotiationRefused, "insecure: no renegotiation_info, RFC 5746", nil)
	case int(n) > t.pol.max && t.pol.max > 0:
		t.refused = reason.New(reason.TLSRenegotiationRefused, "more than "+strconv.Itoa(t.pol.max)+" on one connection", nil)
	default: // crypto/tls answers, or refuses with no_renegotiation where max is 0
		t.ccsIn = false
		t.state.Store(tapReneg)
	}
}

func (t *tap) message(m tlswire.Message) {
	switch m.Type {
	case tlswire.MsgServerHello:
		h, err := tlswire.ParseServerHello(m.Body)
		if err != nil {
			return
		}
		t.hello.seen, t.hello.version, t.hello.cipher = true, h.Negotiated(), h.Suite
		t.hello.secureReneg = h.RenegotiationInfo != nil
		t.note(fact.Fact{Kind: fact.TLSServerHello, Side: fact.SideServer, Code: int(t.hello.version), Text: tlswire.SuiteName(h.Suite)})
	case tlswire.MsgCertificateRequest:
		t.hello.certRequest = true
		t.note(fact.Fact{Kind: fact.TLSCertificateRequest, Side: fact.SideServer})
	case tlswire.MsgServerKeyExchange:
		t.hello.weakSig = weakSignature(t.hello.version, t.hello.cipher, m.Body)
	}
}

func (t *tap) recordOut(r tlswire.Record) {
	switch r.Type {
	case tlswire.TypeChangeCipherSpec:
		t.ccsOut = true
	case tlswire.TypeAlert:
		if r.Length == 2 && !t.ccsOut {
			t.alertOut.Store(int32(r.Head[1]))
			t.note(fact.Fact{Kind: fact.TLSAlert, Side: fact.SideClient, Code: int(r.Head[1]), Text: tlswire.AlertName(r.Head[1])})
		}
	case tlswire.TypeHandshake:
		if t.state.Load() == tapHandshake && !t.ccsOut && !t.hello.seen {
			t.note(fact.Fact{Kind: fact.TLSClientHello, Side: fact.SideClient, Size: int64(r.Length)})
		}
	}
}

// weakSignature reports whether a TLS 1.2 ServerKeyExchange is signed with SHA-1 or MD5 (RFC 5246 section 7.4.1.4.1).
func weakSignature(version, suite uint16, body []byte) bool {
	s, ok := tlswire.SuiteByID(suite)
	if !ok || version != tlswire.VersionTLS12 {
		return false
	}
	k, err := tlswire.ParseServerKeyExchange(body, s.KX, version)
	if err != nil {
		return false
	}
	hash := k.Signed.Scheme >> 8
	return hash == 1 || hash == 2
}
