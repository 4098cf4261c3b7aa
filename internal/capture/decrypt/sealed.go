package decrypt

import (
	"errors"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// sealed takes a record under keys, known or not.
func (s *Session) sealed(l *lane, r *tlsrecord.Record) {
	if l.hs != nil && l.hs.chosen != nil && l.hs.chosen.halves[l.index()].Broken() {
		l.half, l.hs = l.hs.chosen.halves[l.index()], nil
	}
	if l.half != nil && l.half.Broken() {
		s.lossy(l, r)
		return
	}
	if plain, typ, ok := s.open(l, r); ok {
		s.content(l, typ, plain, r)
		return
	}
	if s.bare(l, r) {
		return
	}
	s.info.Closed++
	s.guessedWrong(l)
	dark := l.dark()
	if !dark {
		s.failed(l, r)
	} else if c := l.cause; c != nil && !c.told {
		c.told = true
		why := s.info.Why
		s.undecryptable(s.laneOf(c.side), c.why, r)
		if c.part {
			s.info.Why = why
		}
	}
	s.shut(l, r, dark)
}

func (s *Session) laneOf(side fact.Side) *lane {
	if side == fact.SideNone {
		return nil
	}
	return &s.lanes[side-fact.SideClient]
}

// failed notes a record that did not open though keys are there. After a few of them the direction is given up.
func (s *Session) failed(l *lane, r *tlsrecord.Record) {
	l.fails++
	if l.hs == nil && l.half != nil && (l.opened || l.lost) {
		if !l.lost {
			s.fact(fact.Fact{Kind: fact.TLSBadRecord, Side: l.side, Code: int(r.Type), Size: int64(len(r.Payload)), Text: s.check(l, r)}, r)
		}
		s.passHalf(l.half, r)
		l.lost, l.gap = true, 0
		if l.fails >= maxFails || l.half.Chain() == tlscrypt.ChainStream && l.fails > 1 {
			s.giveUp(l, WhyLost, r)
		}
		return
	}
	if s.keys != nil && l.epoch == epochEarly {
		s.pass(l, r)
		return // it may be early data without a secret; what comes next opens under others
	}
	broken := false
	s.halves(l, func(h *tlscrypt.Half) { broken = broken || h.Broken() })
	if (l.lost || broken) && l.fails < maxFails {
		s.pass(l, r)
		return
	}
	why := WhyWrongSecret
	if h := l.hs; h != nil {
		why = h.whyWrong()
	}
	s.giveUp(l, why, r)
}

// whyWrong is why none of the candidates opened a record.
func (h *handshake) whyWrong() Why {
	if h.chosen != nil {
		return WhyWrongSecret
	}
	for i := range h.candidates {
		if h.candidates[i].source != sourceKey {
			return WhyWrongSecret
		}
	}
	return WhyWrongKey
}

// pass lets all that may open this direction go on beyond a record.
func (s *Session) pass(l *lane, r *tlsrecord.Record) {
	s.halves(l, func(h *tlscrypt.Half) { s.passHalf(h, r) })
}

// passHalf goes on beyond a record that did not open. Where the MAC of the next one does not cover the block that it is chained to, that
// block, which may be damaged, counts as lost.
func (s *Session) passHalf(h *tlscrypt.Half, r *tlsrecord.Record) {
	if s.etm && h.Chain() == tlscrypt.ChainBlock {
		h.Lose(len(r.Payload), nil)
		return
	}
	h.Pass(r.Payload)
}

// halves calls do for everything that may open the next record of a direction.
func (s *Session) halves(l *lane, do func(*tlscrypt.Half)) {
	if l.half != nil {
		do(l.half)
	}
	for _, h := range l.others {
		do(h)
	}
	if l.hs == nil {
		return
	}
	if l.hs.chosen != nil {
		do(l.hs.chosen.halves[l.index()])
	}
	for i := range l.hs.candidates {
		do(l.hs.candidates[i].halves[l.index()])
	}
}

// giveUp closes a direction for the rest of its epoch.
func (s *Session) giveUp(l *lane, why Why, r *tlsrecord.Record) {
	fails := l.fails
	l.start(l.epoch)
	l.fails, l.torn, l.cause = fails, true, &dark{side: l.side, why: why, told: true}
	s.undecryptable(l, why, r)
}

// check names the check that a record fails.
func (s *Session) check(l *lane, r *tlsrecord.Record) string {
	var bad tlscrypt.BadRecord
	if _, _, err := l.half.OpenRecord(s.cfg.Scratch.room(), r.Type, r.Version, r.Payload); errors.As(err, &bad) {
		return bad.String()
	}
	return "unknown"
}

// lossy opens the record whose first block is chained to a lost one.
func (s *Session) lossy(l *lane, r *tlsrecord.Record) {
	plain, lost, err := l.half.OpenLossy(s.cfg.Scratch.room(), r.Type, r.Version, r.Payload)
	if err != nil {
		s.info.Closed++
		s.failed(l, r)
		s.shut(l, r, false)
		return
	}
	s.info.Decrypted++
	if r.Type != tlswire.TypeApplicationData {
		s.shut(l, r, false) // its head is what was lost
		return
	}
	s.out.Missing(l.side, r.End, int64(lost))
	s.content(l, r.Type, plain[min(lost, len(plain)):], r)
}
