package origin

import (
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Facts returns everything that is known of an attempt, in the order of time. What happens on every request (sent, first
// byte, head, end) costs nothing there: it follows from the durations and sizes of the record, here, for whoever asks. What
// is out of the ordinary (handshakes, HelloRequests, alerts) was noted when it happened. The result is the caller's.
func Facts(a *exchange.Attempt) []fact.Fact {
	out := slices.Clone(a.Facts)
	add := func(at time.Time, f fact.Fact) {
		f.At, f.Conn = at, a.ConnID
		out = append(out, f)
	}
	at := a.Start
	for _, d := range []time.Duration{a.DNS, a.Connect, a.TLS} {
		at = at.Add(max(d, 0))
	}
	for _, f := range out {
		if f.Kind <= fact.TLSHandshakeDone && f.At.After(at) { // the connection was ready a little later than its phases add up to
			at = f.At
		}
	}
	if a.Write != exchange.NotReached {
		at = at.Add(a.Write)
		add(at, fact.Fact{Kind: fact.RequestSent, Side: fact.SideClient, Size: a.BytesSent})
	}
	if a.FirstByte == exchange.NotReached {
		slices.SortStableFunc(out, byTime)
		return out
	}
	at = at.Add(a.FirstByte)
	add(at, fact.Fact{Kind: fact.FirstByte, Side: fact.SideServer})
	if a.Status > 0 {
		add(at, fact.Fact{Kind: fact.ResponseHead, Side: fact.SideServer, Code: a.Status})
	}
	if a.Body != exchange.NotReached && a.Reason == "" {
		add(at.Add(a.Body), fact.Fact{Kind: fact.ResponseDone, Side: fact.SideServer, Size: a.BytesReceived})
	}
	slices.SortStableFunc(out, byTime)
	return out
}

func byTime(a, b fact.Fact) int { return a.At.Compare(b.At) }
