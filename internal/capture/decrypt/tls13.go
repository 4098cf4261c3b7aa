package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// begin13 goes over to the keys that follow from a ServerHello of TLS 1.3: the server at once, the client after its early data.
func (s *Session) begin13(h *handshake) {
	s.keys = &keys13{suite: h.suite, random: h.clientRandom, plan: s.beginSchedule(h)}
	h.transcript = tlscrypt.Transcript{}
	h.overlong = true // it is not needed any more
	known := h.known && h.suite.TLS13()
	some := known && h.client && s.keys.load(s.src, h.clientRandom[:])
	if !some {
		s.keys.dark = &dark{why: s.why13(h, known)}
		s.keys.hidden = (h.ech || !h.client) && known && !s.src.empty()
	}
	client, server := &s.lanes[0], &s.lanes[1]
	s.enter(server, epochHandshake)
	if client.epoch != epochEarly {
		s.enter(client, epochHandshake)
	}
}

// why13 is why there is no secret for a handshake of TLS 1.3.
func (s *Session) why13(h *handshake, known bool) Why {
	switch {
	case s.src.empty():
		return WhyNoSecrets
	case !known:
		return WhySuite
	case !h.client:
		return WhyNoHello
	case len(s.src.RSAKeys(nil)) > 0:
		return WhyEphemeral
	}
	return WhyNoSecret
}

// enter begins an epoch of a direction.
func (s *Session) enter(l *lane, e epoch) {
	l.start(e)
	if s.keys == nil {
		return
	}
	l.half = s.keys.half(l.index(), e)
	if l.cause = s.keys.dark; l.cause == nil && l.half == nil {
		l.cause = &dark{side: l.side, why: WhyNoSecret}
	}
	if e == epochApplication {
		l.secret = s.keys.secrets[l.index()][e]
		s.keys.halves[l.index()] = [epochApplication + 1]*tlscrypt.Half{}
	}
}

// enterEarly is for a client that sends data before it knows the server's answer (RFC 8446 section 4.2.10). The suite is the one of the
// session that it resumes, which only the length of its secret tells.
func (s *Session) enterEarly(l *lane, h *handshake) {
	l.start(epochEarly)
	if s.src.Store == nil {
		return
	}
	logged := s.src.Traffic(secrets.ClientEarlyTraffic, h.clientRandom[:])
	for _, id := range h.offeredSuites {
		suite, ok := tlswire.SuiteByID(id)
		if !ok {
			continue
		}
		list := [][]byte{logged}
		if logged == nil {
			list = s.earlyOfPSKs(h, suite.PRF)
		}
		for _, secret := range list {
			if half, err := tlscrypt.NewHalf13(&suite, secret); err == nil {
				l.others = append(l.others, half)
			}
		}
	}
	if l.dark() && !s.src.empty() {
		l.cause = earlyDark(l)
	}
	l.guessed = logged == nil && !l.dark()
}

// earlyDark is for early data without a secret: the rest of the connection may open all the same.
func earlyDark(l *lane) *dark { return &dark{side: l.side, why: WhyNoSecret, part: true} }

// guessedWrong gives up the secrets of early data that were made of pre-shared keys in the hope that it is under one of them.
func (s *Session) guessedWrong(l *lane) {
	if l.guessed && l.epoch == epochEarly {
		l.others, l.guessed, l.cause = nil, false, earlyDark(l)
	}
}

// updateKeys is a KeyUpdate: this direction goes on under the next secret (RFC 8446 section 7.2).
func (s *Session) updateKeys(l *lane) {
	if s.keys == nil || l.epoch != epochApplication {
		return
	}
	secret := l.secret
	l.start(epochApplication)
	if secret == nil {
		return
	}
	next, err := tlscrypt.NextTrafficSecret(s.keys.suite.PRF, secret)
	if err != nil {
		return
	}
	if half, err := tlscrypt.NewHalf13(&s.keys.suite, next); err == nil {
		l.half, l.secret = half, next
	}
}

// finished13 is a Finished of TLS 1.3. After the handshake (post-handshake authentication) it changes no keys.
func (s *Session) finished13(l *lane, r *tlsrecord.Record) {
	if l.epoch < epochApplication {
		s.enter(l, epochApplication)
	}
	if h := s.hs; h != nil {
		h.finished[l.index()] = true
		s.tryDone(r)
	}
}
