package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// changedUnseen is for a handshake record after lost ones, when the other side has gone over to new keys already: the lost may have
// been this side's ChangeCipherSpec and Finished, and this, say, a HelloRequest. If it opens under the new keys it is taken; if not,
// nothing has happened.
func (s *Session) changedUnseen(l *lane, r *tlsrecord.Record) bool {
	h, i := s.hs, l.index()
	if l.epoch != epochClear || r.Type != tlswire.TypeHandshake || !l.lost || h == nil || !h.server || h.changed[i] || !h.changed[1-i] ||
		h.version >= tlswire.VersionTLS13 || l.messages.Pending() || s.likeFinished(r.Payload) {
		return false
	}
	old, why, resumed := *l, h.dark, s.info.Resumed
	s.switchKeys(l, r)
	l.lost, l.torn, l.unseen, l.gap = true, true, true, s.finishedGap(h, old.gap)
	l.counts(false, 0)
	plain, typ, ok := s.open(l, r)
	if !ok {
		*l, h.dark, s.info.Resumed, h.changed[i] = old, why, resumed, false
		return false
	}
	h.holes, h.finished[i] = true, true
	s.tryDone(r)
	s.content(l, typ, plain, r)
	return true
}

// unchained gives f without its first block where that is chained to one that is not known: records behind a change that is lost
// are lost too, and the MAC of TLS 1.0 with encrypt-then-MAC does not cover what a record is chained to.
func (s *Session) unchained(l *lane, f found, r *tlsrecord.Record) found {
	if !l.unseen || !s.etm || f.half.Chain() != tlscrypt.ChainBlock || f.half.Seq < 2 {
		return f
	}
	f.half.Seq -= 2 // Lose adds one for a record before this
	f.half.Lose(0, nil)
	plain, lost, err := f.half.OpenLossy(s.cfg.Scratch.room(), r.Type, r.Version, r.Payload)
	if err != nil || r.Type != tlswire.TypeApplicationData {
		lost = len(plain)
	}
	s.out.Missing(l.side, r.End, int64(min(lost, len(plain))))
	f.plain = plain[min(lost, len(plain)):]
	return f
}

// finishedGap is how many bytes of a gap, in which a ChangeCipherSpec was lost, stood under the new keys: those of the Finished behind
// it. It is for stream ciphers, whose place nothing else tells.
func (s *Session) finishedGap(h *handshake, gap int64) int64 {
	n := int64(h.finishedLen() + tlswire.RecordHeaderLen)
	if h.chosen == nil || h.chosen.halves[0].Chain() != tlscrypt.ChainStream || gap < n {
		return gap
	}
	return n
}

// finishedLen is the length of the record's payload that a sealed Finished has, in bytes; 0 when that is not known.
func (h *handshake) finishedLen() int {
	if !h.server || !h.known {
		return 0
	}
	n := tlswire.MessageHeaderLen + 12
	if h.version == tlswire.VersionSSL30 {
		n = tlswire.MessageHeaderLen + 36
	}
	return tlswire.SealedLen(&h.suite, h.version, h.etm, n)
}
