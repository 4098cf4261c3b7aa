package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxPSKs bounds the pre-shared keys that one TLS 1.3 handshake is tried with.
const maxPSKs = 32

// schedule is the key schedule of a TLS 1.3 handshake whose keys come from a pre-shared key alone (psk_ke, RFC 8446 section 4.2.9),
// so that they can be made here.
type schedule struct {
	psks       [][]byte
	handshake  []byte // handshake secret, once the PSK is found
	transcript tlscrypt.Transcript
}

// begin prepares it from the transcript up to the ServerHello; nil where it is not the way.
func (s *Session) beginSchedule(h *handshake) *schedule {
	if s.src.Store == nil || !h.pskOnly || h.holes || h.retried || h.overlong || !h.client || !h.known {
		return nil
	}
	psks := s.src.PSKs()
	if len(psks) == 0 {
		return nil
	}
	return &schedule{psks: psks[:min(len(psks), maxPSKs)], transcript: h.transcript}
}

// tryPSK finds the PSK with the first record of the server.
func (s *Session) tryPSK(l *lane, r *tlsrecord.Record) (found, bool) {
	k := s.keys
	if k.plan == nil || k.plan.handshake != nil || l.side != fact.SideServer || l.epoch != epochHandshake {
		return found{}, false
	}
	prf := k.suite.PRF
	hash := k.plan.transcript.Sum(tlswire.VersionTLS13, prf)
	for _, psk := range k.plan.psks {
		early, err := tlscrypt.EarlySecret(prf, psk)
		if err != nil {
			continue
		}
		secret, err := tlscrypt.HandshakeSecret(prf, early, nil)
		if err != nil {
			continue
		}
		k.derive(epochHandshake, secret, hash)
		k.halves = [2][epochApplication + 1]*tlscrypt.Half{}
		if half := k.half(l.index(), epochHandshake); half != nil {
			if f, ok := s.tryOnce(half, r); ok {
				k.plan.handshake, k.source, k.dark = secret, sourcePSK, nil
				if c := &s.lanes[0]; c.epoch == epochHandshake {
					s.enter(c, epochHandshake)
				}
				s.enter(l, epochHandshake)
				return f, true
			}
		}
	}
	k.secrets, k.plan = [2][epochApplication + 1][]byte{}, nil
	return found{}, false
}

// derive makes the traffic secrets of both sides for an epoch.
func (k *keys13) derive(e epoch, secret, transcript []byte) {
	names := [2]string{tlscrypt.LabelClientHandshakeTraffic, tlscrypt.LabelServerHandshakeTraffic}
	if e == epochApplication {
		names = [2]string{tlscrypt.LabelClientTraffic, tlscrypt.LabelServerTraffic}
	}
	for side, name := range names {
		k.secrets[side][e], _ = tlscrypt.DeriveSecret(k.suite.PRF, secret, name, transcript)
	}
}

// noteSchedule takes the messages up to the server's Finished, from which the secrets of application data follow.
func (s *Session) noteSchedule(l *lane, m tlswire.Message) {
	k := s.keys
	if k == nil || k.plan == nil || k.plan.handshake == nil {
		return
	}
	p := k.plan
	if m.Raw == nil || len(p.transcript.Bytes())+len(m.Raw) > maxTranscript || l.torn {
		k.plan = nil
		return
	}
	p.transcript.Add(m.Raw)
	if m.Type != tlswire.MsgFinished || l.side != fact.SideServer {
		return
	}
	if secret, err := tlscrypt.MainSecret(k.suite.PRF, p.handshake); err == nil {
		k.derive(epochApplication, secret, p.transcript.Sum(tlswire.VersionTLS13, k.suite.PRF))
		for side := range labels13 {
			s.logLine(labels13[side][epochApplication].name, k.random[:], k.secrets[side][epochApplication])
		}
	}
	k.plan = nil
}

// earlyOfPSKs returns the secrets of 0-RTT data that the pre-shared keys give under a hash.
func (s *Session) earlyOfPSKs(h *handshake, prf string) [][]byte {
	var out [][]byte
	if s.src.Store == nil || h.holes || h.overlong {
		return nil
	}
	psks := s.src.PSKs()
	for _, psk := range psks[:min(len(psks), maxPSKs)] {
		early, err := tlscrypt.EarlySecret(prf, psk)
		if err != nil {
			continue
		}
		hash := h.transcript.Sum(tlswire.VersionTLS13, prf)
		if secret, err := tlscrypt.DeriveSecret(prf, early, tlscrypt.LabelClientEarlyTraffic, hash); err == nil {
			out = append(out, secret)
		}
	}
	return out
}
