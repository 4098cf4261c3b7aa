package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
)

// tryCandidates opens the first record of an epoch with every secret that may be the one.
func (s *Session) tryCandidates(l *lane, r *tlsrecord.Record) (found, bool) {
	h := l.hs
	if h.chosen != nil {
		f, ok := s.try(h.chosen.halves[l.index()], l, r)
		if ok {
			s.missedData(l, f, r)
			f = s.unchained(l, f, r)
		}
		return f, ok
	}
	for i := 0; i < len(h.candidates) || s.more(h); i++ {
		half := h.candidates[i].halves[l.index()]
		if half.Broken() {
			continue // nothing would be checked
		}
		if f, ok := s.try(half, l, r); ok {
			one := h.candidates[i]
			h.chosen, h.candidates = &one, nil
			s.proven(h, r)
			s.missedData(l, f, r)
			return s.unchained(l, f, r), true
		}
	}
	return found{}, false
}

// missedData tells of application data among what was lost, when the first record that opens is not the Finished nor the one after it.
func (s *Session) missedData(l *lane, f found, r *tlsrecord.Record) {
	if f.half != nil && l.lost && f.half.Seq > 2 {
		s.out.Missing(l.side, r.End, l.gap)
	}
}

// proven notes that the secret of a handshake is the right one.
func (s *Session) proven(h *handshake, r *tlsrecord.Record) {
	s.info.Source = h.chosen.source
	s.fact(fact.Fact{Kind: fact.TLSDecryptable, Text: h.chosen.source}, r)
	for _, name := range h.names() {
		s.src.Remember(name, h.chosen.master)
	}
	s.logLine("CLIENT_RANDOM", h.clientRandom[:], h.chosen.master)
}
