package decrypt

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// clientHello begins a handshake, or answers a HelloRetryRequest.
func (s *Session) clientHello(l *lane, m tlswire.Message, f fact.Fact, r *tlsrecord.Record) {
	if s.ask.open && l.side == fact.SideClient {
		s.answer("complied", r)
	}
	if l.side != fact.SideClient || s.keys != nil {
		return // no TLS stack sends it here
	}
	h := s.hs
	if h == nil || !h.retried {
		h = &handshake{inner: l.epoch > epochEarly, holes: l.torn}
		s.hs = h
	}
	s.greeted = true
	h.note(m)
	if l.epoch == epochEarly {
		l.start(epochClear)
	}
	if hello, _ := tlswire.ReadClientHello(m.Body); len(m.Body) >= 34 {
		s.offer(l, h, hello, f)
	}
}

// ssl2Hello is a ClientHello in the format of SSL 2.0 that offers SSL 3.0 or later; the transcript takes it as it stands (RFC 5246
// appendix E.2).
func (s *Session) ssl2Hello(l *lane, p []byte, r *tlsrecord.Record) {
	f, hello, err := describeSSL2(p)
	f.Side = l.side
	s.fact(f, r)
	if err != nil || l.side != fact.SideClient || s.greeted {
		return
	}
	s.greeted, s.hs = true, &handshake{}
	s.hs.note(tlswire.Message{Type: tlswire.MsgClientHello, Raw: p})
	s.offer(l, s.hs, hello, f)
	s.hs.offeredSession = nil
}

// offer takes over what the keys may depend on.
func (s *Session) offer(l *lane, h *handshake, hello *tlswire.ClientHello, f fact.Fact) {
	h.client, h.clientRandom = true, hello.Random
	h.offeredSession, h.offeredTicket = slices.Clone(hello.SessionID), slices.Clone(hello.Ticket)
	h.offers13, h.ech = hello.MaxVersion() >= tlswire.VersionTLS13, hello.EncryptedHello
	i := &s.info
	if i.ServerName == "" {
		i.ServerName = hello.ServerName
	}
	if d, ok := f.Detail.(*fact.ClientHello); ok && i.JA3 == "" {
		i.JA3, i.JA4 = d.JA3, d.JA4
	}
	if h.inner || !h.offers13 || !hello.EarlyData {
		return
	}
	h.offeredSuites = h.offeredSuites[:0]
	for _, id := range hello.Suites {
		if id>>8 == 0x13 && len(h.offeredSuites) < 8 {
			h.offeredSuites = append(h.offeredSuites, id)
		}
	}
	s.enterEarly(l, h)
}

// serverHello says what the keys are made for.
func (s *Session) serverHello(l *lane, m tlswire.Message, f fact.Fact) {
	if l.side != fact.SideServer || s.keys != nil || len(m.Body) < 38 {
		return
	}
	h := s.hs
	if h == nil {
		h = &handshake{inner: l.epoch != epochClear, holes: true}
		s.hs = h
		h.note(m)
	}
	s.greeted = true
	hello, _ := tlswire.ReadServerHello(m.Body)
	if hello.HelloRetry {
		h.retried, s.version = true, tlswire.VersionTLS13
		return
	}
	h.server, h.serverRandom, h.version = true, hello.Random, hello.Negotiated()
	h.suite, h.known = tlswire.SuiteByID(hello.Suite)
	h.extended, h.etm = hello.ExtendedMasterSecret, hello.EncryptThenMAC && h.suite.Cipher.Kind == tlswire.KindCBC
	h.session = slices.Clone(hello.SessionID)
	h.pskOnly = hello.PSK && hello.KeyShare == 0
	s.negotiated(h, hello, f)
	if h.version >= tlswire.VersionTLS13 {
		s.begin13(h)
	} else if c := &s.lanes[0]; c.epoch == epochEarly {
		c.start(epochClear)
	}
}

// negotiated takes over what the two agreed on.
func (s *Session) negotiated(h *handshake, hello *tlswire.ServerHello, f fact.Fact) {
	s.version, s.suite, s.known, s.etm = h.version, h.suite, h.known, h.etm
	i := &s.info
	i.Version, i.Suite = h.version, hello.Suite
	if i.FirstSuite == 0 {
		i.FirstSuite = hello.Suite
		if d, ok := f.Detail.(*fact.ServerHello); ok {
			i.JA3S = d.JA3S
		}
	}
	i.ExtendedMaster, i.EncryptThenMAC, i.SecureRenegotiation = h.extended, h.etm, hello.RenegotiationInfo != nil
	if hello.ALPN != "" {
		i.ALPN = hello.ALPN
	}
	if hello.KeyShare != 0 {
		i.Group = tlswire.GroupName(hello.KeyShare)
	}
	if hello.PSK {
		i.Resumed = "psk"
	}
}
