package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// content takes what a record held, in clear.
func (s *Session) content(l *lane, typ uint8, p []byte, r *tlsrecord.Record) {
	switch typ {
	case tlswire.TypeHandshake:
		s.handshakeBytes(l, p, r)
	case tlswire.TypeAlert:
		s.alerts(l, p, r)
	case tlswire.TypeApplicationData:
		s.applicationData(l, p, r)
	case tlswire.TypeHeartbeat:
		s.fact(fact.Fact{Kind: fact.TLSHeartbeat, Side: l.side, Size: int64(len(p))}, r)
	case tlsrecord.TypeSSL2ClientHello:
		s.ssl2Hello(l, p, r)
	}
}

func (s *Session) applicationData(l *lane, p []byte, r *tlsrecord.Record) {
	early := l.epoch == epochEarly
	s.info.PlainBytes[l.side] += int64(len(p))
	if !early {
		s.dataSeen(l, r)
	}
	s.fact(fact.Fact{Kind: fact.TLSApplicationData, Side: l.side, Code: 1, Size: int64(len(p))}, r)
	if len(p) > 0 {
		s.out.Plain(l.side, r.End, p, early)
	}
}

// dataSeen draws from application data that the handshake before it is over on that side.
func (s *Session) dataSeen(l *lane, r *tlsrecord.Record) {
	l.data = true
	if s.lanes[0].data && s.lanes[1].data {
		s.info.Established = true
	}
	if h := s.hs; h != nil && h.changed[l.index()] && !h.finished[l.index()] {
		h.finished[l.index()] = true
		s.tryDone(r)
	}
}

// alerts takes the two bytes of an alert, or of several.
func (s *Session) alerts(l *lane, p []byte, r *tlsrecord.Record) {
	for ; len(p) >= 2; p = p[2:] {
		a := tlswire.Alert{Level: p[0], Number: p[1]}
		s.fact(fact.Fact{Kind: fact.TLSAlert, Side: l.side, Code: int(a.Number), Text: tlswire.AlertName(a.Number), Size: int64(a.Level)}, r)
		s.alertAnswers(l, a, r)
	}
}

// handshakeBytes takes a part of the stream of handshake messages.
func (s *Session) handshakeBytes(l *lane, p []byte, r *tlsrecord.Record) {
	if l.torn || !s.greeted && !l.messages.Pending() {
		if !startsMessage(p) && (l.torn || !startsHello(p)) {
			return // the rest of a message whose beginning is lost
		}
		l.torn = false
	}
	l.messages.Feed(p, func(m tlswire.Message) { s.message(l, m, r) })
}

// tryDone ends the handshake once both sides have finished it.
func (s *Session) tryDone(r *tlsrecord.Record) {
	h := s.hs
	if h == nil || !h.finished[0] || !h.finished[1] {
		return
	}
	s.hs = nil
	s.info.Handshakes++
	s.info.Established = true
	f := fact.Fact{Kind: fact.TLSHandshakeDone, Code: int(s.version)}
	if h.server {
		f.Text = h.suite.Name
	}
	s.fact(f, r)
	if s.info.Handshakes > 1 {
		s.fact(fact.Fact{Kind: fact.TLSRenegotiated}, r)
	}
	s.alias(h)
}

// alias lets the sessions that a handshake made share the secret of the one that it resumed, whenever that gets known.
func (s *Session) alias(h *handshake) {
	if s.src.Store == nil || !h.server || h.version >= tlswire.VersionTLS13 {
		return
	}
	names := h.names()
	switch h.resumed() {
	case "ticket":
		names = append(names, h.offeredTicket)
	case "session_id": // its name is the session's already
	}
	for i := 1; i < len(names); i++ {
		s.src.Alias(names[0], names[i])
	}
}
