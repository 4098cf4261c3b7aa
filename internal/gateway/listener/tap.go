package listener

import (
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// tap reads the record headers of both directions of a tunnelled connection. In TLS 1.2 and before, record types stay
// in clear for ever, so that a server's handshake record after application data shows a HelloRequest without any key.
type tap struct {
	mu   sync.Mutex
	scan [2]tlswire.RecordScanner
	msgs tlswire.MessageScanner // the server's messages, until its ServerHello

	facts          []fact.Fact
	version        uint16
	cipher         uint16
	alpn           string
	alert          [2]int  // alerts in clear by side, -1 for none
	plain          [2]bool // a ChangeCipherSpec or application record was sent: what follows is protected
	data           [2]bool // application data was sent
	doneAt         time.Time
	renegotiations int
	unanswered     bool // a HelloRequest that the client has not reacted to
	notTLS         bool
}

func (p *tap) init() {
	p.alert = [2]int{-1, -1}
	p.scan[fromO].Collect = 4096 // a ServerHello with a post-quantum key share
}

func sideOf(from int) fact.Side {
	if from == fromC {
		return fact.SideClient
	}
	return fact.SideServer
}

// feed takes the next bytes of one side.
func (p *tap) feed(from int, b []byte, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.scan[from].Feed(b, func(r tlswire.Record) { p.record(from, r, now) }) && from == fromO && p.version == 0 && !p.notTLS {
		p.notTLS = true
		p.note(fact.Fact{Kind: fact.TLSNotTLS, At: now, Side: fact.SideServer})
	}
}

// maxFacts bounds what one connection may leave.
const maxFacts = 64

func (p *tap) note(f fact.Fact) {
	if len(p.facts) < maxFacts {
		p.facts = append(p.facts, f)
	}
}

func (p *tap) record(from int, r tlswire.Record, now time.Time) {
	switch r.Type {
	case tlswire.TypeAlert:
		if a, ok := tlswire.ParseAlert(r.Head); ok && !p.plain[from] {
			p.alert[from] = int(a.Number)
			p.note(fact.Fact{Kind: fact.TLSAlert, At: now, Side: sideOf(from), Code: int(a.Number), Text: tlswire.AlertName(a.Number)})
		}
	case tlswire.TypeHandshake:
		p.handshake(from, r, now)
	case tlswire.TypeChangeCipherSpec:
		if p.version < 0x0304 { // in TLS 1.3 it means nothing
			p.plain[from] = true
			p.finished(now)
		}
	case tlswire.TypeApplicationData:
		p.plain[from] = true
		p.data[from] = true
		p.finished(now)
	}
}

// finished notes the end of the first handshake: from then on both sides protect what they send.
func (p *tap) finished(now time.Time) {
	if p.doneAt.IsZero() && p.plain[fromC] && p.plain[fromO] {
		p.doneAt = now
		p.note(fact.Fact{Kind: fact.TLSHandshakeDone, At: now, Code: int(p.version)})
	}
}

func (p *tap) handshake(from int, r tlswire.Record, now time.Time) {
	after := p.data[fromC] || p.data[fromO]
	switch {
	case from == fromO && p.version == 0:
		p.msgs.Feed(r.Head, func(m tlswire.Message) { p.serverHello(m, now) })
	case !after || p.version >= 0x0304:
	case from == fromC:
		p.unanswered = false
	case !p.unanswered && from == fromO:
		p.renegotiations++
		p.unanswered = true
		p.note(fact.Fact{Kind: fact.TLSHelloRequest, At: now, Side: fact.SideServer, Size: int64(r.Length)})
	}
}

func (p *tap) serverHello(m tlswire.Message, now time.Time) {
	if m.Type != tlswire.MsgServerHello || p.version != 0 {
		return
	}
	h, err := tlswire.ParseServerHello(m.Body)
	if err != nil || h.HelloRetry {
		return
	}
	p.version, p.cipher, p.alpn = h.Negotiated(), h.Suite, h.ALPN
	p.scan[fromO].Collect = 0
	p.note(fact.Fact{Kind: fact.TLSServerHello, At: now, Side: fact.SideServer, Code: int(p.version)})
}
