package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/fact"
)

// compared gives a row the key under which two flows are set side by side. What differs from run to run without meaning has none:
// segments, tickets, ChangeCipherSpec, settings.
func (t *teller) compared(r *row, f *fact.Fact) {
	side := f.Side.String() + " "
	switch f.Kind {
	case fact.TLSChangeCipherSpec:
		t.changed[f.Side] = true
	case fact.TLSFinished, fact.TLSEncryptedMessage:
		r.key = side + f.Kind.String()
		if f.Kind == fact.TLSFinished || t.changed[f.Side] {
			r.key = side + fact.TLSFinished.String()
			t.changed[f.Side], t.secured[f.Side] = false, true
		}
	case fact.TLSNewSessionTicket, fact.TLSKeyUpdate, fact.TLSHandshakeDone, fact.TLSHelloRequestAnswer, fact.TLSRenegotiated:
	case fact.TLSServerHello:
		r.key = side + f.Kind.String()
		if h, ok := f.Detail.(*fact.ServerHello); ok {
			r.sum = clean(joined(", ", h.Version, suiteName(h.Suite)))
		}
	case fact.TLSCertificate:
		r.key = side + f.Kind.String()
		if f.Side == fact.SideClient {
			r.sum = when(f.Size > 0, "a certificate") + when(f.Size == 0, "none")
		}
	case fact.TLSApplicationData:
		r.key = side + f.Kind.String()
	case fact.TLSAlert:
		r.key = side + "alert " + strconv.Itoa(f.Code)
	case fact.Silence:
		if f.Side != fact.SideNone {
			r.key = side + "silence " + f.Text
		}
	case fact.RequestHead:
		r.key = side + "request " + f.Detail.(*fact.HTTPHead).Method
	case fact.ResponseHead, fact.ResponseInterim, fact.ProxyTunnel:
		r.key = side + f.Kind.String() + " " + strconv.Itoa(f.Code)
	case fact.HTTP2GoAway, fact.HTTP2RstStream:
		if f.Code != 0 {
			r.key = side + f.Kind.String() + " " + strconv.Itoa(f.Code)
		}
	default:
		if comparedKind(f.Kind) {
			r.key = side + f.Kind.String()
		}
	}
	t.asSealed(r, f)
}

// asSealed makes of a message that came encrypted what it is to those who cannot open it. A HelloRequest is told by its length all
// the same, and ChangeCipherSpec is never encrypted in TLS 1.2 (RFC 5246 section 7.1).
func (t *teller) asSealed(r *row, f *fact.Fact) {
	sealed := f.Kind >= fact.TLSClientHello && f.Kind <= fact.TLSOtherMessage && f.Kind != fact.TLSFinished
	if t.raw && t.secured[f.Side] && sealed {
		r.key, r.sum, r.kind = f.Side.String()+" "+fact.TLSEncryptedMessage.String(), "", fact.TLSEncryptedMessage
	}
}

// comparedKind are the kinds that matter by being there.
func comparedKind(k fact.Kind) bool {
	switch k {
	case fact.TCPSyn, fact.TCPSynAck, fact.TCPFailed, fact.TCPClosed, fact.TCPReset, fact.ICMPUnreachable, fact.ProxyConnect, fact.TLSNotTLS,
		fact.TLSBadRecord, fact.TLSRecordLost, fact.TLSEncryptedAlert, fact.HTTPBroken, fact.HTTPCutShort, fact.Upgraded, fact.WebSocketClose:
		return true
	}
	return k >= fact.TLSClientHello && k <= fact.TLSOtherMessage || k == fact.TLSHelloRequest || k == fact.TLSPostHandshakeAuth
}
