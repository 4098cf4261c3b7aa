package origin

import (
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

func (t *tap) recordIn(r tlswire.Record) {
	switch r.Type {
	case tlswire.TypeAlert:
		if r.Length == 2 && !t.ccsIn {
			t.alertIn.Store(int32(r.Head[1]))
			t.note(fact.Fact{Kind: fact.TLSAlert, Side: fact.SideServer, Code: int(r.Head[1]), Text: tlswire.AlertName(r.Head[1]), Size: int64(r.Head[0])})
		}
	case tlswire.TypeChangeCipherSpec:
		t.ccsIn = true
		if t.state.Load() == tapReneg { // crypto/tls may break off at it, with the Finished still on its way; of the first handshake the opening tells
			t.note(fact.Fact{Kind: fact.TLSChangeCipherSpec, Side: fact.SideServer})
		}
	case tlswire.TypeHandshake:
		t.handshakeIn(r)
	case tlswire.TypeApplicationData:
		if t.state.Load() == tapReneg {
			t.pushed.Store(true)
		}
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
			t.turn(false)
		}
	}
}

func (t *tap) refuse(why string) {
	t.answered("refused")
	t.refused.Store(reason.New(reason.TLSRenegotiationRefused, why, nil))
}

func (t *tap) helloRequest(size int) {
	n := t.renegs.Add(1)
	t.asked.Store(time.Now().UnixNano())
	t.note(fact.Fact{Kind: fact.TLSHelloRequest, Side: fact.SideServer, Size: int64(size)})
	switch {
	case t.pol.http2:
		t.refuse("over http/2")
	case !t.hello.secureReneg && !t.pol.insecure && t.pol.max > 0:
		t.refuse("insecure: no renegotiation_info, RFC 5746")
	case int(n) > t.pol.max && t.pol.max > 0:
		t.refuse("more than " + strconv.Itoa(t.pol.max) + " on one connection")
	default: // crypto/tls answers, or refuses with no_renegotiation where max is 0
		t.ccsIn = false
		t.state.Store(tapReneg)
		t.turn(true)
	}
}

// answered notes what became of the HelloRequest that waits; false where none does.
func (t *tap) answered(how string) bool {
	at := t.asked.Swap(0)
	if at == 0 {
		return false
	}
	t.note(fact.Fact{Kind: fact.TLSHelloRequestAnswer, Side: fact.SideClient, Text: how, Size: max(time.Now().UnixNano()-at, 0)})
	return true
}

func (t *tap) turn(begins bool) {
	if t.onTurn != nil {
		t.onTurn(begins)
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
			t.note(fact.Fact{Kind: fact.TLSAlert, Side: fact.SideClient, Code: int(r.Head[1]), Text: tlswire.AlertName(r.Head[1]), Size: int64(r.Head[0])})
		} else if t.state.Load() == tapReneg {
			t.answered("refused") // with no_renegotiation, or by giving up on the handshake
		}
	case tlswire.TypeHandshake:
		if t.state.Load() == tapReneg && t.answered("complied") {
			t.helloAt.Store(t.sent.Load())
			t.note(fact.Fact{Kind: fact.TLSClientHello, Side: fact.SideClient})
		}
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
