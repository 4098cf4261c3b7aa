package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// keys13 are the traffic secrets of a TLS 1.3 connection, nil where they are not known.
type keys13 struct {
	random  [32]byte
	suite   tlswire.Suite
	secrets [2][epochApplication + 1][]byte // by side and epoch
	halves  [2][epochApplication + 1]*tlscrypt.Half
	source  string
	proven  bool
	hidden  bool // Encrypted Client Hello: the random number that they stand under is not known
	plan    *schedule
	dark    *dark // there is none of them
}

var labels13 = [2][epochApplication + 1]struct {
	label secrets.Label
	name  string
}{
	{epochEarly: {secrets.ClientEarlyTraffic, "CLIENT_EARLY_TRAFFIC_SECRET"},
		epochHandshake:   {secrets.ClientHandshakeTraffic, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"},
		epochApplication: {secrets.ClientTraffic, "CLIENT_TRAFFIC_SECRET_0"}},
	{epochHandshake: {secrets.ServerHandshakeTraffic, "SERVER_HANDSHAKE_TRAFFIC_SECRET"},
		epochApplication: {secrets.ServerTraffic, "SERVER_TRAFFIC_SECRET_0"}},
}

// load looks the secrets of a client random up; false when there is none.
func (k *keys13) load(src source, random []byte) bool {
	any := false
	if src.Store == nil {
		return false
	}
	copy(k.random[:], random)
	k.source = sourceLog
	for side := range labels13 {
		for e := epochEarly; e <= epochApplication; e++ {
			if labels13[side][e].name == "" {
				continue
			}
			k.secrets[side][e] = src.Traffic(labels13[side][e].label, random)
			any = any || k.secrets[side][e] != nil && e != epochEarly
		}
	}
	return any
}

// half returns the protection of a side in an epoch, nil when its secret is not known.
func (k *keys13) half(side int, e epoch) *tlscrypt.Half {
	if k.halves[side][e] == nil && k.secrets[side][e] != nil {
		if h, err := tlscrypt.NewHalf13(&k.suite, k.secrets[side][e]); err == nil {
			k.halves[side][e] = h
		}
	}
	return k.halves[side][e]
}

// begin13 goes over to the keys that follow from a ServerHello of TLS 1.3: the server at once, the client after its early data.
func (s *Session) begin13(h *handshake) {
	s.keys = &keys13{suite: h.suite, random: h.clientRandom, plan: s.beginSchedule(h)}
	h.transcript = tlscrypt.Transcript{}
	h.overlong = true // it is not needed any more
	known := h.known && h.suite.TLS13()
	some := known && h.client && s.keys.load(s.src, h.clientRandom[:])
	if !some {
		s.keys.dark = &dark{why: s.why13(h, known)}
		s.keys.hidden = h.ech && known && !s.src.empty()
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
		return WhyHandshakeHoles
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
		l.cause = &dark{side: l.side, why: WhyNoSecret, part: true}
	}
}

// tryLater opens a record under the secrets that this direction goes over to next: a message that told of it may be lost, early
// data may have been refused.
func (s *Session) tryLater(l *lane, r *tlsrecord.Record) (found, bool) {
	f, ok := s.tryInner(l, r)
	if !ok {
		f, ok = s.tryPSK(l, r)
	}
	if ok {
		l.good(f.half)
		return f, true
	}
	for e := l.epoch + 1; e <= epochApplication; e++ {
		half := s.keys.half(l.index(), e)
		if half == nil {
			continue
		}
		if f, ok := s.try(half, l, r); ok {
			gap := l.gap
			wide := l.lost && half.Seq > 1
			s.enter(l, e)
			l.half = half
			l.good(half)
			if e == epochApplication {
				if wide {
					s.out.Missing(l.side, r.End, gap)
				}
				s.finished13(l, r)
			}
			return f, true
		}
	}
	return s.tryGenerations(l, r)
}

// fewGenerations is how many numbers are tried under secrets to which a lost KeyUpdate may have led.
const fewGenerations = 256

// tryGenerations is for a KeyUpdate that was lost.
func (s *Session) tryGenerations(l *lane, r *tlsrecord.Record) (found, bool) {
	if l.epoch != epochApplication || l.secret == nil || !l.opened && !l.lost {
		return found{}, false
	}
	secret := l.secret
	for range 3 {
		next, err := tlscrypt.NextTrafficSecret(s.keys.suite.PRF, secret)
		if err != nil {
			break
		}
		half, err := tlscrypt.NewHalf13(&s.keys.suite, next)
		if err != nil {
			break
		}
		if f, ok := s.tryNumbers(half, r, fewGenerations); ok {
			l.good(half)
			l.secret = next
			return f, true
		}
		secret = next
	}
	return found{}, false
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

// proven13 notes that the secrets are the right ones.
func (s *Session) proven13(r *tlsrecord.Record) {
	k := s.keys
	if k == nil || k.proven {
		return
	}
	k.proven = true
	s.info.Source = k.source
	s.fact(fact.Fact{Kind: fact.TLSDecryptable, Text: k.source}, r)
	for side := range labels13 {
		for e := epochEarly; e <= epochApplication; e++ {
			s.logLine(labels13[side][e].name, k.random[:], k.secrets[side][e])
		}
	}
}
