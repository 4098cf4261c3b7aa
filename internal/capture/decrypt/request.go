package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// refusal is how long after a HelloRequest a closed alert of the client passes for its answer, in nanoseconds: stacks that refuse do
// so at once, an alert much later is the close_notify of a program that gave up waiting.
const refusal = int64(1e9)

// request is the HelloRequest that waits for an answer.
type request struct {
	open bool
	at   int64      // nanoseconds since the Unix epoch
	over fact.Stamp // the server stopped waiting, though an answer may still be on its way
}

// helloRequest notes one (RFC 5246 section 7.4.1.1). Within a handshake it means nothing.
func (s *Session) helloRequest(r *tlsrecord.Record, text string) {
	s.info.HelloRequests++
	s.fact(fact.Fact{Kind: fact.TLSHelloRequest, Side: fact.SideServer, Size: int64(r.Length), Text: text}, r)
	if s.hs == nil && !s.ask.open {
		s.ask = request{open: true, at: r.End.At}
		s.info.Answer = ""
	}
}

// answer settles it.
func (s *Session) answer(text string, r *tlsrecord.Record) {
	s.info.Answer = text
	s.fact(fact.Fact{Kind: fact.TLSHelloRequestAnswer, Side: fact.SideClient, Text: text, Size: r.End.At - s.ask.at}, r)
	s.ask.open = false
}

// giveUp notes when the server stopped waiting.
func (q *request) giveUp(r *tlsrecord.Record) {
	if q.over.Frame == 0 {
		q.over = r.End
	}
}

// alertAnswers draws from an alert what it says about a renegotiation.
func (s *Session) alertAnswers(l *lane, a tlswire.Alert, r *tlsrecord.Record) {
	gone := a.Number == tlswire.AlertCloseNotify || a.Number == tlswire.AlertUserCanceled
	switch {
	case s.ask.open && l.side == fact.SideClient && !gone:
		s.answer("refused", r)
	case s.ask.open && l.side == fact.SideClient:
		s.answer("ignored", r)
	case s.ask.open && (gone || a.Level == tlswire.AlertFatal):
		s.ask.giveUp(r)
	case a.Number == tlswire.AlertNoRenegotiation && s.hs != nil && s.hs.inner && l.side == fact.SideServer:
		s.hs = nil // the client's renegotiation is refused
	}
}
