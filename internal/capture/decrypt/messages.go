package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// message takes one handshake message: it is told, and what it changes is changed.
func (s *Session) message(l *lane, m tlswire.Message, r *tlsrecord.Record) {
	if m.Type == tlswire.MsgHelloRequest && s.version < tlswire.VersionTLS13 {
		s.helloRequest(r, "")
		return
	}
	kx := ""
	if s.hs != nil {
		kx = s.hs.suite.KX
	}
	f, err := describe(m, s.version, kx)
	f.Side = l.side
	if m.Type == tlswire.MsgCertificateRequest {
		s.info.CertificateRequested = true
		if s.version >= tlswire.VersionTLS13 && l.epoch == epochApplication {
			f.Kind = fact.TLSPostHandshakeAuth
		}
	}
	s.fact(f, r)
	if m.Type == tlswire.MsgClientHello {
		s.clientHello(l, m, f, r)
		return
	}
	if s.hs != nil {
		s.hs.note(m)
		s.noteSchedule(l, m)
	}
	switch {
	case m.Type == tlswire.MsgServerHello:
		s.serverHello(l, m, f)
	case s.version >= tlswire.VersionTLS13:
		s.message13(l, m, f, r)
	default:
		s.message12(l, m, f, err, r)
	}
}

// message12 draws from a message up to TLS 1.2.
func (s *Session) message12(l *lane, m tlswire.Message, f fact.Fact, err error, r *tlsrecord.Record) {
	h := s.hs
	if h == nil {
		return
	}
	switch m.Type {
	case tlswire.MsgCertificate:
		h.full = true
		s.certificate(l, m, f)
	case tlswire.MsgServerKeyExchange, tlswire.MsgServerHelloDone:
		h.full = true
		if d, ok := f.Detail.(*fact.KeyExchange); ok && s.info.Group == "" {
			s.info.Group = d.Group
		}
	case tlswire.MsgClientKeyExchange:
		h.exchangeSeen(m.Body)
	case tlswire.MsgNewSessionTicket:
		if err == nil {
			s.newSessionTicket(h, m.Body)
		}
	case tlswire.MsgFinished:
		if h.changed[l.index()] {
			h.finished[l.index()] = true
			s.tryDone(r)
		}
	}
}

// message13 draws from a message of TLS 1.3.
func (s *Session) message13(l *lane, m tlswire.Message, f fact.Fact, r *tlsrecord.Record) {
	switch m.Type {
	case tlswire.MsgEncryptedExtensions:
		if d, ok := f.Detail.(*fact.ServerHello); ok {
			s.info.EarlyData = d.AcceptsEarlyData
			if d.ALPN != "" {
				s.info.ALPN = d.ALPN
			}
		}
	case tlswire.MsgCertificate:
		s.certificate(l, m, f)
	case tlswire.MsgEndOfEarlyData:
		if l.epoch == epochEarly {
			s.enter(l, epochHandshake)
		}
	case tlswire.MsgFinished:
		s.finished13(l, r)
	case tlswire.MsgKeyUpdate:
		s.updateKeys(l)
	}
}

func (s *Session) certificate(l *lane, m tlswire.Message, f fact.Fact) {
	if f.Size == 0 {
		return
	}
	if l.side == fact.SideClient {
		s.info.ClientCertificate = true
		return
	}
	if s.hs == nil || s.version >= tlswire.VersionTLS13 || s.src.Store == nil || len(s.src.RSAKeys(nil)) == 0 {
		return
	}
	if c, err := tlswire.ParseCertificateMessage(m.Body, s.version); err == nil && len(c.Entries) > 0 {
		s.hs.certificateSeen(c.Entries[0].DER)
	}
}

func (s *Session) newSessionTicket(h *handshake, body []byte) {
	t, err := tlswire.ParseNewSessionTicket(body, s.version)
	if err != nil || len(t.Ticket) == 0 {
		return
	}
	h.ticket = append([]byte(nil), t.Ticket...)
	if h.chosen != nil {
		s.src.Remember(h.ticket, h.chosen.master)
	}
}
