package origin

import (
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Facts returns everything that is known of an attempt, in the order of time. What happens on every request (sent, first
// byte, head, end) costs nothing there: it follows from the durations and sizes of the record, here, for whoever asks. What
// is out of the ordinary (handshakes, HelloRequests, alerts) was noted when it happened. mask hides secrets in heads; nil
// leaves heads out. The result is the caller's.
func Facts(a *exchange.Attempt, mask *redact.Masker) []fact.Fact {
	s := story{a: a, at: a.Start}
	for _, f := range a.Facts {
		if f.Kind == fact.ResponseHead { // that it overtook the request; its own place is below
			continue
		}
		if frame, ok := f.Detail.(*fact.HTTP2Frame); ok && mask != nil && frame.Debug != "" {
			masked := *frame
			masked.Debug, f.Detail = mask.Text(frame.Debug), &masked
		}
		s.out = append(s.out, f)
	}
	if a.Reused {
		s.add(a.Start, fact.Fact{Kind: fact.ConnReused, Side: fact.SideClient, Size: a.Idle.Nanoseconds(), Code: a.Uses})
	}
	s.ready()
	s.request(mask)
	s.answer(mask)
	slices.SortStableFunc(s.out, byTime)
	s.silences()
	slices.SortStableFunc(s.out, byTime)
	return s.out
}

// story puts an attempt into facts.
type story struct {
	a   *exchange.Attempt
	out []fact.Fact
	at  time.Time // how far it is told
}

func (s *story) add(at time.Time, f fact.Fact) {
	f.At, f.Conn = at, s.a.ConnID
	s.out = append(s.out, f)
}

// ready goes on to when the connection was ready.
func (s *story) ready() {
	for _, d := range []time.Duration{s.a.DNS, s.a.Connect, s.a.TLS} {
		s.at = s.at.Add(max(d, 0))
	}
	for i := range s.out {
		if f := &s.out[i]; (f.Kind == fact.TCPConnected || f.Kind == fact.TLSHandshakeDone) && f.At.After(s.at) { // a little later than its phases add up to
			s.at = f.At
		}
	}
}

func (s *story) request(mask *redact.Masker) {
	a := s.a
	if mask != nil && a.Sent != nil && (a.Write != exchange.NotReached || a.BytesSent > 0 && a.ConnID != 0) {
		s.add(s.at, fact.Fact{Kind: fact.RequestHead, Side: fact.SideClient, Detail: sentHead(a, mask)})
	}
	if a.Write != exchange.NotReached {
		s.at = s.at.Add(a.Write)
		s.add(s.at, fact.Fact{Kind: fact.RequestSent, Side: fact.SideClient, Code: int(a.Stream), Size: a.BytesSent})
	}
}

func (s *story) answer(mask *redact.Masker) {
	a := s.a
	if a.FirstByte == exchange.NotReached {
		return
	}
	s.at = s.at.Add(a.FirstByte)
	for i := range s.out { // an answer ended the wait for a 100: it was noted a moment later
		if f := &s.out[i]; f.Kind == fact.ContinueWaited && f.Text == "answered" && f.At.After(s.at) {
			f.At = s.at
		}
	}
	s.add(s.at, fact.Fact{Kind: fact.FirstByte, Side: fact.SideServer})
	if a.Status == 0 {
		return
	}
	f := fact.Fact{Kind: fact.ResponseHead, Side: fact.SideServer, Code: a.Status}
	if mask != nil {
		f.Detail = answeredHead(a, mask)
	}
	s.add(s.at, f)
	if a.Body != exchange.NotReached && (a.Reason == "" || afterAnswer(a.Reason)) {
		s.add(s.at.Add(a.Body), fact.Fact{Kind: fact.ResponseDone, Side: fact.SideServer, Code: int(a.Stream), Size: a.BytesReceived})
	}
}

// afterAnswer reports whether an attempt with this reason got a whole answer all the same.
func afterAnswer(c reason.Code) bool {
	switch c {
	case reason.TLSClientIdentityLost, reason.WriteEarlyResponse, reason.WriteExpectRefused, reason.OriginStatus4xx, reason.HTTP1ExtraData:
		return true
	}
	return false
}

func byTime(a, b fact.Fact) int { return a.At.Compare(b.At) }
