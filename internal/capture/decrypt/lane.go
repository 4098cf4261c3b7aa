package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// epoch is which keys protect a direction (RFC 8446 section 7.1). Before TLS 1.3 there are two: none and those of a handshake.
type epoch uint8

const (
	epochClear epoch = iota
	epochEarly
	epochHandshake
	epochApplication
)

// maxFails is how many records in a row may fail before a direction is given up.
const maxFails = 4

// lane is one direction of the connection.
type lane struct {
	side     fact.Side
	epoch    epoch
	half     *tlscrypt.Half   // opens the next record; nil while it is to be found among others, and when nothing opens it
	others   []*tlscrypt.Half // one of them opens the first record of this epoch
	hs       *handshake       // up to TLS 1.2: whose candidates the others are; nil once one was proven
	secret   []byte           // TLS 1.3: application traffic secret that half was made of
	messages tlswire.MessageScanner
	passed   bool  // a ChangeCipherSpec came that meant nothing, or was thought to
	torn     bool  // handshake bytes are lost: the next record need not begin with a message
	lost     bool  // an unknown number of records may be lost since the last that opened
	gap      int64 // bytes of them, 0 when that is unknown
	count    int64 // how many they are beyond the number that half expects, 0: nobody knows
	guess    bool  // nobody can know any more
	guessed  bool  // the others are of pre-shared keys that may have nothing to do with it
	fails    int   // records in a row that did not open
	cause    *dark // dark from the start of the epoch: the reason, for both sides
	bareTail int   // bytes of MAC that end each record, where the suite encrypts nothing; else 0
	opened   bool  // a record of this direction opened at some time
	data     bool  // application data was seen
	unseen   bool  // the change to the keys of this epoch is lost, and perhaps records behind it
}

// dark is why a handshake's keys are not known; it is told once, when a record stays closed for it.
type dark struct {
	side fact.Side // SideNone: both
	why  Why
	told bool
	part bool // it concerns early data alone, not the connection
}

func (l *lane) index() int { return int(l.side - fact.SideClient) }

// start begins an epoch.
func (l *lane) start(e epoch) {
	l.epoch, l.half, l.others, l.hs, l.secret = e, nil, nil, nil, nil
	l.fails, l.cause, l.bareTail, l.unseen = 0, nil, 0, false
	if !l.torn {
		l.messages = tlswire.MessageScanner{}
	}
}

// good notes that a record opened under half, which is now the one.
func (l *lane) good(half *tlscrypt.Half) {
	l.half, l.others, l.hs, l.guessed = half, nil, nil, false
	l.lost, l.gap, l.fails, l.opened = half.Broken(), 0, 0, true
	l.count, l.guess = 0, false
}

// dark reports whether nothing is known that could open this direction.
func (l *lane) dark() bool { return l.half == nil && l.others == nil && l.hs == nil }

// open opens a record; ok is false when it stays closed. The plaintext lies in the scratch memory.
func (s *Session) open(l *lane, r *tlsrecord.Record) (plain []byte, typ uint8, ok bool) {
	if l.half == nil || l.lost || l.hs != nil || l.half.Broken() {
		return s.reopen(l, r)
	}
	plain, typ, err := l.half.OpenRecord(s.cfg.Scratch.room(), r.Type, r.Version, r.Payload)
	if err != nil {
		return s.reopen(l, r)
	}
	l.fails = 0
	s.info.Decrypted++
	if s.budget < mostBudget {
		s.budget += int64(len(r.Payload))
	}
	if !l.opened {
		l.opened = true
		s.proven13(r)
	}
	return plain, typ, true
}
