package decrypt

import (
	"encoding/binary"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// switchKeys lets a direction go over to the keys of the running handshake, up to TLS 1.2.
func (s *Session) switchKeys(l *lane, r *tlsrecord.Record) {
	h := s.hs
	if h == nil {
		h = &handshake{inner: l.epoch != epochClear, hidden: true, holes: true}
		s.hs = h
	}
	if h.version == 0 && s.version == 0 {
		s.version = r.Version
	}
	h.changed[l.index()] = true
	if h.server && s.info.Resumed == "" {
		s.info.Resumed = h.resumed()
	}
	l.torn, l.lost, l.gap = false, false, 0
	l.count, l.guess = 0, false
	before := l.cause
	s.arm(l, h)
	l.bareTail = h.bareTail()
	if l.dark() {
		if h.hidden && h.dark == nil {
			h.dark = before // nothing new to tell
		}
		if h.dark == nil {
			h.dark = &dark{why: s.whyDark(h)}
		}
		l.cause = h.dark
	}
}

// arm puts the candidates of h in charge of a direction.
func (s *Session) arm(l *lane, h *handshake) {
	l.start(epochApplication)
	if h.chosen != nil || len(h.candidates) > 0 || s.more(h) {
		l.hs = h
	}
}

// missChange is for what must be sealed where nothing announced it: the ChangeCipherSpec is among what was lost, or the capture
// begins within the connection.
func (s *Session) missChange(l *lane, r *tlsrecord.Record) {
	if s.hs != nil && (s.hs.server || s.hs.client) {
		sealed13 := s.hs.offers13 && r.Type == tlswire.TypeApplicationData // that the ServerHello is lost shows later than what answers it
		if !s.hs.server && !s.hs.holes && !l.torn && !(sealed13 && l.passed) {
			return // a stranger's record within a handshake in clear
		}
		if !s.hs.server && sealed13 {
			s.midstream(r)
			return
		}
		s.hs.holes = true
		gap := s.finishedGap(s.hs, l.gap)
		s.switchKeys(l, r)
		l.lost, l.torn, l.unseen, l.gap = true, true, true, gap
		l.counts(false, 0)
		return
	}
	s.midstream(r)
}

// likeFinished reports whether a handshake record in which no message in clear begins can be a sealed Finished, rather than the rest
// of a message whose beginning is lost.
func (s *Session) likeFinished(p []byte) bool {
	if startsHello(p) || startsMessage(p) && int(p[1])<<16|int(p[2])<<8|int(p[3]) <= len(p)-tlswire.MessageHeaderLen {
		return false
	}
	if h := s.hs; h != nil && h.server && h.known {
		return len(p) == h.finishedLen()
	}
	return len(p) <= 128 || !s.greeted && binary.BigEndian.Uint32(p) == 0 // the number of a record that GCM sealed, of whatever message
}

// startsHello reports whether p can be the beginning of a hello, of whatever length.
func startsHello(p []byte) bool {
	return len(p) == 0 || (p[0] == tlswire.MsgClientHello || p[0] == tlswire.MsgServerHello) && (len(p) < 2 || p[1] == 0) && (len(p) < 5 || p[4] == 3)
}

// startsMessage reports whether p can begin a handshake message in clear.
func startsMessage(p []byte) bool {
	if len(p) < tlswire.MessageHeaderLen {
		return false
	}
	n := int(p[1])<<16 | int(p[2])<<8 | int(p[3])
	switch p[0] {
	case tlswire.MsgHelloRequest:
		return n == 0 && len(p) == tlswire.MessageHeaderLen
	case tlswire.MsgClientHello, tlswire.MsgServerHello, tlswire.MsgNewSessionTicket, tlswire.MsgCertificate, tlswire.MsgServerKeyExchange,
		tlswire.MsgCertificateRequest, tlswire.MsgCertificateVerify, tlswire.MsgClientKeyExchange, tlswire.MsgCertificateStatus:
		return n > 0 && n <= tlswire.MaxMessage
	case tlswire.MsgServerHelloDone, tlswire.MsgEndOfEarlyData:
		return n == 0
	case tlswire.MsgEncryptedExtensions, tlswire.MsgCompressedCertificate:
		return n > 1 && n <= 1<<16
	case tlswire.MsgKeyUpdate:
		return n == 1
	case tlswire.MsgFinished:
		return n == 12 || n == 36 || n == 32 || n == 48
	}
	return false
}

// whyDark is why there is nothing to open the records of a handshake up to TLS 1.2 with.
func (s *Session) whyDark(h *handshake) Why {
	switch {
	case s.src.empty():
		return WhyNoSecrets
	case !h.client && h.server:
		return WhyNoHello
	case !h.client || !h.server:
		if s.greeted {
			return WhyHandshakeHoles
		}
		return WhyStartMissing
	case !h.known:
		return WhySuite
	case h.inner && s.info.Decrypted > 0 && s.info.Source == sourceLog:
		return WhyLaterHandshake
	case h.resumed() != "":
		return WhyResumed
	}
	return s.whyKeys(h)
}

func (s *Session) whyKeys(h *handshake) Why {
	keys := len(s.src.RSAKeys(nil)) > 0
	switch {
	case !keys:
		return WhyNoSecret
	case h.suite.Ephemeral():
		return WhyEphemeral
	case h.encrypted() == nil || h.extended && h.sessionHash == nil:
		return WhyHandshakeHoles
	}
	return WhyWrongKey
}
