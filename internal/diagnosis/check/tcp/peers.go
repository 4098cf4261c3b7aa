package tcp

import (
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// nearby is how far apart in time two connections may lie to be compared.
const nearby = time.Minute

// near reports whether o was tried at about the time of f.
func near(f, o *check.Flow) bool {
	d := o.Start.Sub(f.Start)
	return d >= -nearby && d <= max(nearby, f.End.Sub(f.Start))
}

// connectedElse is another connection to the same address and port that was there at about the same time, with the fact that says so; of one with
// the same client's address where same is true, else of one with another; nil without.
func connectedElse(c *check.Case, same bool) (*check.Flow, int) {
	f := c.Flow
	for _, o := range c.Others {
		if o.Server != f.Server || !near(f, o) {
			continue
		}
		if o.Client.IsValid() && f.Client.IsValid() && (o.Client.Addr() == f.Client.Addr()) != same || !same && !(o.Client.IsValid() && f.Client.IsValid()) {
			continue
		}
		if how, at := o.Dial(); how == check.DialConnected && at >= 0 {
			return o, at
		}
	}
	return nil, -1
}

// again counts what was sent again after index i by side s, with the index of the last fact that says so and its size in bytes.
func again(f *check.Flow, s fact.Side, what string, i int) (times int, size int64, last int) {
	last = -1
	for i = f.NextOf(s, i, fact.TCPRetransmission); i >= 0; i = f.NextOf(s, i, fact.TCPRetransmission) {
		if x := &f.Facts[i]; x.Text == what {
			times, size, last = times+max(1, x.Code), size+x.Size, i
		}
	}
	return times, size, last
}

// at is the fact at index i, or the first one where that is unknown, as a proof; nothing for a connection without facts.
func at(f *check.Flow, i int, text string) []finding.Proof {
	if len(f.Facts) == 0 {
		return []finding.Proof{{Index: -1, Conn: f.Conn, At: f.Start, Text: text}}
	}
	return []finding.Proof{f.Proof(max(i, 0), text)}
}

// saidFirst is the index of the first fact that shows bytes of the client, -1 without.
func saidFirst(f *check.Flow) int { return f.Heard(fact.SideClient, -1) }

// unowned is the length of a wait whose owner is to be found, 0 for one that our own timer ended: its name is known.
func unowned(f *check.Flow, from int, waited time.Duration) time.Duration {
	if f.EndAfter(from).How == fact.GaveUp {
		return 0
	}
	return waited
}

// unownedDial is unowned for a try to connect.
func unownedDial(f *check.Flow) time.Duration {
	if i := f.First(fact.TCPFailed, fact.GaveUp); i >= 0 && f.Facts[i].Text != "ETIMEDOUT" {
		return 0
	}
	return f.Dialling()
}

// remaining is the time from the fact at index i to the end of the connection, or of the watching.
func remaining(f *check.Flow, i int) time.Duration {
	if end := f.EndAfter(i); end.At >= 0 {
		return end.Time.Sub(f.Facts[i].At)
	}
	return f.Until().Sub(f.Facts[i].At)
}
