package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// lose takes note of records that the capture lacks and lets what can go on go on beyond them.
func (s *Session) lose(l *lane, r *tlsrecord.Record) {
	one := !r.Unknown && r.Type != 0
	f := fact.Fact{Kind: fact.TLSRecordLost, Side: l.side, Code: 1, Size: int64(r.Length)}
	if !one {
		f.Code, f.Size = 0, r.Skipped
	}
	s.fact(f, r)
	if s.hs != nil {
		s.hs.holes = true
	}
	if !one || r.Type == tlswire.TypeHandshake || r.Type == tlswire.TypeApplicationData && l.epoch != epochApplication {
		l.torn, l.messages = true, tlswire.MessageScanner{}
	}
	switch {
	case one && r.Type == tlswire.TypeChangeCipherSpec && s.version < tlswire.VersionTLS13:
		s.fact(fact.Fact{Kind: fact.TLSChangeCipherSpec, Side: l.side}, r)
		s.switchKeys(l, r) // its one byte is known
	case one:
		s.loseOne(l, r)
	default:
		s.loseMany(l, r)
	}
}

// loseOne is for one record whose header is there.
func (s *Session) loseOne(l *lane, r *tlsrecord.Record) {
	if l.epoch == epochClear || s.version >= tlswire.VersionTLS13 && r.Type != tlswire.TypeApplicationData {
		return
	}
	if l.lost && l.gap > 0 {
		l.gap += int64(r.Length) + tlswire.RecordHeaderLen
		l.counts(true, 1)
	} else {
		s.halves(l, func(h *tlscrypt.Half) { h.Lose(r.Length, r.Tail) })
	}
	if r.Type == tlswire.TypeApplicationData && l.epoch != epochHandshake {
		s.missing(l, r, max(0, int64(r.Length)-s.overhead()))
	}
}

// loseMany is for an unknown number of records.
func (s *Session) loseMany(l *lane, r *tlsrecord.Record) {
	if l.lost && l.gap == 0 && l.epoch != epochClear {
		r.Skipped = 0 // a length that is unknown stays so
	}
	l.lost = true
	l.gap += r.Skipped
	ahead := r.Count
	s.halves(l, func(h *tlscrypt.Half) {
		if h.Chain() == tlscrypt.ChainBlock {
			h.Lose(0, r.Tail)
			ahead = max(r.Count-1, 0)
		}
	})
	l.counts(r.Count > 0, ahead)
	if l.epoch == epochApplication && l.hs == nil {
		s.missing(l, r, r.Skipped)
	}
}

// counts adds to the number of records that are lost, or notes that it is not known.
func (l *lane) counts(known bool, n int64) {
	if l.guess = l.guess || !known; l.guess {
		n = -l.count
	}
	l.count += n
}

// missing tells of application data that is not there, where anything of this direction was or may be opened.
func (s *Session) missing(l *lane, r *tlsrecord.Record, n int64) {
	if l.opened || !l.dark() {
		s.out.Missing(l.side, r.End, n)
	}
}

// overhead is the least that protection adds to a record, in bytes.
func (s *Session) overhead() int64 {
	if !s.known {
		return 0
	}
	n := tlswire.SealedLen(&s.suite, s.version, s.etm, 0)
	if c := &s.suite.Cipher; c.Kind == tlswire.KindCBC {
		if n = s.suite.MACLen() + 1; s.version >= tlswire.VersionTLS11 {
			n += c.Block
		}
	}
	return int64(n)
}
