package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
)

// Bounds of searches. Work is counted in bytes that are run through a cipher.
const (
	searchBytes = 16 << 20 // of one search
	firstBudget = 16 << 20 // of a connection at its start; what opens adds to it
	mostBudget  = 64 << 20
	tryCost     = 64    // of a try, beside the record's bytes
	longest     = 16901 // bytes of the longest record on the wire that peers send, header included
)

// found is a record that opened.
type found struct {
	plain []byte
	typ   uint8
	half  *tlscrypt.Half
}

// try opens r with half: with the next number, or after a loss with the numbers that may be its. When it fails half stands as before,
// an RC4 key stream apart.
func (s *Session) try(half *tlscrypt.Half, l *lane, r *tlsrecord.Record) (found, bool) {
	if f, ok := s.tryOnce(half, r); ok || !l.lost {
		return f, ok
	}
	if half.Chain() == tlscrypt.ChainStream {
		return s.tryStream(half, l, r)
	}
	start := half.Seq
	if l.count > 0 {
		half.Seq = start + uint64(l.count)
		if f, ok := s.tryOnce(half, r); ok {
			return f, true
		}
		half.Seq = start
	}
	if guess, ok := half.GuessSeq(r.Payload); ok && guess-start < 1<<32 {
		half.Seq = guess
		if f, ok := s.tryOnce(half, r); ok {
			return f, true
		}
	}
	if start > 0 {
		start-- // a record that failed may have been none of this stream
	}
	first := start + uint64(l.gap/longest)
	cost := int64(len(r.Payload) + tryCost)
	for n := range min(int64(s.cfg.Search), s.tries(cost)) {
		half.Seq = first + uint64(n)
		s.budget -= cost
		if f, ok := s.tryOnce(half, r); ok {
			return f, true
		}
	}
	half.Seq = start
	return found{}, false
}

// tries is how often a search may do what costs so many bytes of work, 0 or more.
func (s *Session) tries(cost int64) int64 { return max(0, min(searchBytes, s.budget)) / cost }

func (s *Session) tryOnce(half *tlscrypt.Half, r *tlsrecord.Record) (found, bool) {
	plain, typ, err := half.OpenRecord(s.cfg.Scratch.room(), r.Type, r.Version, r.Payload)
	if err != nil {
		return found{}, false
	}
	return found{plain, typ, half}, true
}

// tryStream finds the place in an RC4 key stream after a gap of known length: k records of 5 bytes of header each, the most first,
// for the key stream runs one way only.
func (s *Session) tryStream(half *tlscrypt.Half, l *lane, r *tlsrecord.Record) (found, bool) {
	if l.gap <= 0 || l.gap > searchBytes {
		return found{}, false
	}
	const header, least = 5, 5 + 16
	cost := int64(len(r.Payload) + tryCost)
	if n := l.gap - header*l.count; l.count > 0 && n > 0 {
		half.Lose(int(n), nil)
		half.Seq += uint64(l.count - 1)
		return s.tryOnce(half, r)
	}
	start, most := half.Seq, int(min(int64(s.cfg.Search), (l.gap+least-1)/least, s.tries(cost)))
	s.budget -= int64(most) * cost
	for k := most; k > 0; k-- {
		skip := header
		if k == most {
			skip = int(l.gap) - header*k
		}
		half.Lose(skip, nil)
		half.Seq = start + uint64(k)
		if f, ok := s.tryOnce(half, r); ok {
			return f, true
		}
	}
	return found{}, false
}

// reopen opens a record off the beaten track: under keys not proven yet, after a loss, or under the keys that come next.
func (s *Session) reopen(l *lane, r *tlsrecord.Record) ([]byte, uint8, bool) {
	f, ok := s.tryCurrent(l, r)
	if ok {
		l.good(f.half)
	} else if f, ok = s.tryNext(l, r); !ok {
		return nil, 0, false
	}
	s.info.Decrypted++
	s.proven13(r)
	return f.plain, f.typ, true
}

func (s *Session) tryCurrent(l *lane, r *tlsrecord.Record) (found, bool) {
	if l.hs != nil {
		return s.tryCandidates(l, r)
	}
	if l.half != nil {
		return s.try(l.half, l, r)
	}
	for _, half := range l.others {
		if f, ok := s.try(half, l, r); ok {
			return f, true
		}
	}
	return found{}, false
}

// tryNext opens it with keys that this direction goes over to later: the change to them may be lost.
func (s *Session) tryNext(l *lane, r *tlsrecord.Record) (found, bool) {
	switch {
	case s.keys != nil:
		return s.tryLater(l, r)
	case s.dim && s.budget > 0:
		f, ok := s.trySecrets(l, r)
		if ok {
			l.good(f.half)
		}
		return f, ok
	}
	if h := s.hs; h != nil && l.hs != h && h.server && l.lost && !h.changed[l.index()] {
		old := *l
		if s.arm(l, h); l.hs != nil { // else its keys are not known either
			l.unseen = true
			if f, ok := s.tryCandidates(l, r); ok {
				h.changed[l.index()] = true
				l.good(f.half)
				return f, true
			}
		}
		*l = old
	}
	return found{}, false
}
