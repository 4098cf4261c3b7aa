package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Session follows one TLS connection.
type Session struct {
	cfg Config
	src source
	out Handler

	lanes   [2]lane    // client, server
	hs      *handshake // the running one, nil between handshakes
	keys    *keys13    // TLS 1.3
	greeted bool       // a hello was seen: the start of the connection is here
	version uint16     // negotiated, as the last ServerHello or the records say it; 0 before
	suite   tlswire.Suite
	known   bool // suite is taken apart
	etm     bool
	dim     bool // the hellos are missing, and it may be TLS 1.3
	ask     request
	budget  int64 // bytes of work left for searches
	info    Info
	log     []string
}

// New returns a Session that looks for its secrets in src, which may be nil.
func New(cfg Config, src *secrets.Store, out Handler) *Session {
	if cfg.Search <= 0 {
		cfg.Search = defaultSearch
	}
	if cfg.Scratch == nil {
		cfg.Scratch = &Scratch{}
	}
	s := &Session{cfg: cfg, src: source{src}, out: out, budget: firstBudget}
	s.lanes[0].side, s.lanes[1].side = fact.SideClient, fact.SideServer
	return s
}

// Record takes the next record of a side.
func (s *Session) Record(side fact.Side, r *tlsrecord.Record) {
	if side != fact.SideClient && side != fact.SideServer {
		return
	}
	l := &s.lanes[side-fact.SideClient]
	switch {
	case r.Lost:
		s.lose(l, r)
	case len(r.Payload) > tlswire.MaxRecordPayload:
		s.lose(l, r) // no peer would take it
	case r.Type == tlswire.TypeChangeCipherSpec:
		s.changeCipherSpec(l, r)
	case s.changedUnseen(l, r):
	case s.protected(l, r):
		s.sealed(l, r)
	case r.Type == tlswire.TypeApplicationData:
		s.info.Closed++
		s.shut(l, r, false) // no peer sends it before it has keys: whatever it is, it is not the plaintext of one
	default:
		s.content(l, r.Type, r.Payload, r)
	}
}

// protected reports whether a record is under keys, known or not. What was lost may have hidden the change to them.
func (s *Session) protected(l *lane, r *tlsrecord.Record) bool {
	if s.version >= tlswire.VersionTLS13 || l.epoch == epochEarly {
		return r.Type == tlswire.TypeApplicationData && l.epoch != epochClear
	}
	if l.epoch != epochClear {
		return true
	}
	unsure := l.lost || l.passed || !s.greeted
	switch {
	case r.Type == tlswire.TypeApplicationData:
		s.missChange(l, r)
	case r.Type == tlswire.TypeHandshake && !l.messages.Pending() && unsure && s.likeFinished(r.Payload):
		s.missChange(l, r)
	case r.Type == tlswire.TypeAlert && len(r.Payload) != 2 && unsure:
		s.missChange(l, r)
	}
	return l.epoch != epochClear
}

// changeCipherSpec takes a ChangeCipherSpec: the side goes over to the keys of the running handshake. In TLS 1.3 it means nothing
// (RFC 8446 section 5). In a renegotiation it stands under the old keys itself.
func (s *Session) changeCipherSpec(l *lane, r *tlsrecord.Record) {
	s.fact(fact.Fact{Kind: fact.TLSChangeCipherSpec, Side: l.side}, r)
	if s.version >= tlswire.VersionTLS13 || s.hs != nil && !s.hs.server && s.hs.offers13 || s.hs == nil && !s.greeted && l.epoch == epochClear {
		l.passed = true
		return
	}
	if l.epoch != epochClear {
		s.open(l, r)
	}
	s.switchKeys(l, r)
}

// Close says that no more records come: an unanswered HelloRequest was ignored, until at or until the server gave up before that.
func (s *Session) Close(at fact.Stamp) {
	if s.ask.over.Frame != 0 {
		at = s.ask.over
	}
	if s.ask.open {
		s.answer("ignored", &tlsrecord.Record{End: at})
	}
}

// fact sends f with the place of r.
func (s *Session) fact(f fact.Fact, r *tlsrecord.Record) {
	f.At, f.Frame = r.End.Time(), r.End.Frame
	s.out.Fact(f)
}

// undecryptable tells why something stays closed; l is nil for both sides.
func (s *Session) undecryptable(l *lane, why Why, r *tlsrecord.Record) {
	f := fact.Fact{Kind: fact.TLSUndecryptable, Text: string(why)}
	if l != nil {
		f.Side = l.side
	}
	if s.info.Why == WhyNot {
		s.info.Why = why
	}
	s.fact(f, r)
}
