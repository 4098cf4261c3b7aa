package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Bounds of trials in the dark: what making a key counts for, in bytes of work, and the sequence numbers that every secret is tried
// with before any is tried with all.
const (
	keyCost    = 4 << 10
	innerCost  = 128 << 10 // browsers send Encrypted Client Hello for show: few secrets are tried then
	fewNumbers = 32
)

// midstream begins a connection whose hellos are missing: both sides are under keys. Up to TLS 1.2 nothing opens it, for the keys
// need both random numbers; secrets of TLS 1.3 need none.
func (s *Session) midstream(r *tlsrecord.Record) {
	cause := &dark{why: WhyStartMissing}
	switch {
	case s.src.empty():
		cause.why = WhyNoSecrets
	case s.greeted:
		cause.why = WhyHandshakeHoles
	}
	for i := range s.lanes {
		if s.lanes[i].epoch == epochClear {
			s.lanes[i].start(epochApplication)
			s.lanes[i].torn, s.lanes[i].cause = true, cause
		}
	}
	if s.version == 0 {
		s.version = r.Version
	}
	s.budget = mostBudget
	s.dim = r.Type == tlswire.TypeApplicationData && r.Version == tlswire.VersionTLS12 && !s.src.empty()
}

// trySecrets opens a record with any traffic secret there is, in any place: for a TLS 1.3 connection that began before the capture.
func (s *Session) trySecrets(l *lane, r *tlsrecord.Record) (found, bool) {
	if r.Type != tlswire.TypeApplicationData {
		s.dim = s.dim && r.Type != tlswire.TypeHandshake // up to TLS 1.2 then
		return found{}, false
	}
	rest := s.budget / 4 * 3 // for records after it: this one may be of the handshake
	s.budget -= rest
	defer func() { s.budget += rest }()
	for _, most := range [...]int{fewNumbers, s.cfg.Search} {
		var f found
		s.src.TrafficSecrets(labels13[l.index()][epochApplication].label, func(random, secret []byte) bool {
			f = s.trySecret(l, r, random, secret, most)
			return f.half == nil && s.budget > 0
		})
		if f.half != nil {
			return f, true
		}
	}
	return found{}, false
}

// suites13 are those that a secret of so many bytes can be for, the common ones first.
func suites13(n int) []uint16 {
	if n == 48 {
		return []uint16{0x1302}
	}
	return []uint16{0x1301, 0x1303, 0x1304, 0x1305}
}

func (s *Session) trySecret(l *lane, r *tlsrecord.Record, random, secret []byte, most int) found {
	for _, id := range suites13(len(secret)) {
		suite, ok := tlswire.SuiteByID(id)
		if !ok || s.budget <= 0 {
			break
		}
		next := secret
		for range 3 { // it may have been updated before
			half, err := tlscrypt.NewHalf13(&suite, next)
			if err != nil {
				break
			}
			s.budget -= keyCost
			if f, ok := s.tryNumbers(half, r, most); ok {
				s.foundSecret(l, random, next, suite)
				return f
			}
			if next, err = tlscrypt.NextTrafficSecret(suite.PRF, next); err != nil || most > fewNumbers {
				break
			}
		}
	}
	return found{}
}

func (s *Session) tryNumbers(half *tlscrypt.Half, r *tlsrecord.Record, most int) (found, bool) {
	for seq := range min(most, 1+int(max(0, s.budget)/int64(len(r.Payload)+tryCost))) {
		s.budget -= int64(len(r.Payload) + tryCost)
		half.Seq = uint64(seq)
		if f, ok := s.tryOnce(half, r); ok {
			return f, true
		}
	}
	return found{}, false
}

// foundSecret makes a TLS 1.3 connection of one whose start is missing.
func (s *Session) foundSecret(l *lane, random, secret []byte, suite tlswire.Suite) {
	s.dim = false
	s.keys = &keys13{suite: suite}
	s.keys.load(s.src, random)
	s.hs = nil
	s.version, s.suite, s.known = tlswire.VersionTLS13, suite, true
	s.info.Version, s.info.Suite, s.info.FirstSuite = s.version, suite.ID, suite.ID
	for i := range s.lanes {
		s.enter(&s.lanes[i], epochApplication)
		s.lanes[i].lost = true
	}
	l.secret = secret
}

// tryInner looks for the secrets of a connection with Encrypted Client Hello: they stand in the key log under the random number of
// the inner hello, which nobody sees. The first record of the server decides.
func (s *Session) tryInner(l *lane, r *tlsrecord.Record) (found, bool) {
	k := s.keys
	if !k.hidden || l.side != fact.SideServer || l.epoch != epochHandshake {
		return found{}, false
	}
	k.hidden = false
	var f found
	s.src.TrafficSecrets(secrets.ServerHandshakeTraffic, func(random, secret []byte) bool {
		half, err := tlscrypt.NewHalf13(&k.suite, secret)
		if err != nil {
			return true // another suite's
		}
		s.budget -= innerCost
		var ok bool
		if f, ok = s.tryOnce(half, r); ok {
			k.load(s.src, random)
			return false
		}
		return s.budget > 0
	})
	if f.half == nil {
		return found{}, false
	}
	k.dark = nil
	if c := &s.lanes[0]; c.epoch == epochHandshake {
		s.enter(c, epochHandshake)
	}
	s.enter(l, epochHandshake)
	return f, true
}
