package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// shut tells of a record that stays closed what its header tells. dark says that there is no key for it at all.
func (s *Session) shut(l *lane, r *tlsrecord.Record, dark bool) {
	n := int64(len(r.Payload))
	switch r.Type {
	case tlswire.TypeHandshake:
		s.shutMessage(l, r, dark)
	case tlswire.TypeAlert:
		s.fact(fact.Fact{Kind: fact.TLSEncryptedAlert, Side: l.side, Size: n}, r)
		s.shutAlert(l, r)
	case tlswire.TypeApplicationData:
		s.dataSeen(l, r)
		s.fact(fact.Fact{Kind: fact.TLSApplicationData, Side: l.side, Code: 1, Size: n}, r)
		s.missing(l, r, max(0, n-s.overhead()))
	case tlswire.TypeHeartbeat:
		s.fact(fact.Fact{Kind: fact.TLSHeartbeat, Side: l.side, Size: n}, r)
	}
}

// shutMessage tells of a closed handshake record, up to TLS 1.2. The first after a ChangeCipherSpec is the Finished. One of the server
// after application data begins a renegotiation: it is a HelloRequest, unless the client began.
func (s *Session) shutMessage(l *lane, r *tlsrecord.Record, dark bool) {
	h, i := s.hs, l.index()
	if h == nil && l.side == fact.SideServer && dark && (s.lanes[0].data || s.lanes[1].data) {
		text := "by_place"
		if s.known && tlswire.LooksLikeHelloRequest(s.suite.ID, s.version, s.etm, len(r.Payload)) {
			text = "by_length"
		}
		s.helloRequest(r, text)
		return
	}
	s.fact(fact.Fact{Kind: fact.TLSEncryptedMessage, Side: l.side, Size: int64(len(r.Payload))}, r)
	switch {
	case h != nil && h.changed[i]:
		h.finished[i] = true
		s.tryDone(r)
	case h == nil && l.side == fact.SideClient:
		s.hs = &handshake{inner: true, hidden: true, holes: true}
		if s.ask.open {
			s.answer("complied", r)
		}
	}
}

// shutAlert draws from a closed alert what its time tells.
func (s *Session) shutAlert(l *lane, r *tlsrecord.Record) {
	switch {
	case s.ask.open && l.side == fact.SideClient && r.End.At-s.ask.at <= refusal:
		s.answer("refused", r)
	case s.ask.open && l.side == fact.SideClient:
		s.answer("ignored", r)
	case s.ask.open:
		s.ask.giveUp(r)
	case s.hs != nil && s.hs.hidden && l.side == fact.SideServer:
		s.hs = nil // it will have none of the client's renegotiation
	}
}
