package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
)

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
	for n := 0; n < 3 && s.budget > 0; n++ {
		s.budget -= keyCost
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
