package evidence

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// FromAttempt is an attempt of the gateway as checks see it. facts is what gateway/origin tells of it; the messages of the handshake,
// with all that they say, are read from the bytes that it kept. The second result are the facts that belong to no connection.
func FromAttempt(a *exchange.Attempt, facts []fact.Fact) (*check.Flow, []fact.Fact) {
	out := check.Flow{Conn: a.ConnID, Client: a.Local, Server: a.Address, Name: a.SNI, Start: a.Start, Ours: true, Reason: a.Reason, Detail: a.Detail}
	if out.Name == "" && a.Sent != nil {
		out.Name = hostOf(a.Sent.Authority)
	}
	var around []fact.Fact
	for _, f := range facts {
		switch f.Kind {
		case fact.DNSAnswer, fact.DNSFailed, fact.PoolWaited, fact.HealthChecked:
			around = append(around, f)
		default:
			out.Facts = append(out.Facts, f)
		}
	}
	if a.ConnID != 0 {
		out.Watched = check.Records | check.Plain
	}
	if a.Opening != nil {
		out.Facts = merged(opened(a, facts), out.Facts, a.Opening.End)
	}
	if len(out.Facts) > 0 && out.Facts[0].At.Before(out.Start) {
		out.Start = out.Facts[0].At // the connection was there before
	}
	return out.Prepared(), around
}

// OfExchange is the case of an exchange: its last attempt that failed, else the last one, is in question, the others stand beside it.
// facts tells of each attempt, as gateway/origin does. Nil where nothing was tried.
func OfExchange(x *exchange.Exchange, facts func(*exchange.Attempt) []fact.Fact) (c *check.Case, attempt int) {
	attempt = len(x.Attempts) - 1
	for i := range x.Attempts {
		if x.Attempts[i].Reason != "" {
			attempt = i
		}
	}
	if attempt < 0 {
		return nil, -1
	}
	c = &check.Case{}
	for i := max(0, len(x.Attempts)-mostOthers); i < len(x.Attempts); i++ {
		f, around := FromAttempt(&x.Attempts[i], facts(&x.Attempts[i]))
		c.Facts = append(c.Facts, around...)
		if i == attempt {
			c.Flow = f
		} else {
			c.Others = append(c.Others, f)
		}
	}
	if c.Flow == nil { // it stands far before the last
		var around []fact.Fact
		c.Flow, around = FromAttempt(&x.Attempts[attempt], facts(&x.Attempts[attempt]))
		c.Facts = append(c.Facts, around...)
	}
	slices.SortStableFunc(c.Facts, byTime)
	return c, attempt
}

// opened are the facts of the first handshake, as its bytes tell them. live says how it ended, where it failed.
func opened(a *exchange.Attempt, live []fact.Fact) []fact.Fact {
	o := a.Opening
	r := recording.Recording{ID: a.ConnID, Client: a.Local, Server: a.Address, Start: a.Start, End: o.End}
	if len(o.Pieces) > 0 && o.Pieces[0].At.Before(r.Start) {
		r.Start = o.Pieces[0].At // of an exchange before this one
	}
	for _, p := range o.Pieces {
		r.Pieces = append(r.Pieces, recording.Piece{At: p.At, Side: p.Side, Data: p.Data})
	}
	if len(o.Pieces) > 0 {
		r.Connect = o.Pieces[0].At.Sub(r.Start)
	}
	if a.TLS != exchange.NotReached && !slices.ContainsFunc(live, func(f fact.Fact) bool { return f.Kind == fact.TLSHandshakeDone }) && !a.Reused {
		for _, f := range live {
			if f.Kind == fact.TCPClosed || f.Kind == fact.TCPReset {
				r.Pieces = append(r.Pieces, recording.Piece{At: f.At, Side: f.Side, End: f.Kind})
				r.End = f.At
			}
		}
	}
	store := secrets.New()
	_, _ = store.AddKeyLog("handshake", bytes.NewReader(o.Secrets)) // what is not read leaves messages closed
	f := Replay(&r, flow.Config{}, store)
	return slices.DeleteFunc(f.Facts, func(x fact.Fact) bool { return !ofHandshake(x.Kind) })
}

// ofHandshake reports whether the bytes of the opening tell such facts better than those who noted them.
func ofHandshake(k fact.Kind) bool {
	switch k {
	case fact.TLSAlert, fact.TLSNotTLS, fact.Silence, fact.TLSBadRecord, fact.TLSRecordLost:
		return true
	case fact.TLSEncryptedMessage:
		return false
	}
	return k >= fact.TLSClientHello && k <= fact.TLSHandshakeDone
}

// merged puts the facts of the opening in the place of those that were noted of it, up to end.
func merged(opening, noted []fact.Fact, end time.Time) []fact.Fact {
	told := map[fact.Kind]bool{}
	for i := range opening {
		told[opening[i].Kind] = true
	}
	out := slices.Clone(opening)
	for _, f := range noted {
		if f.Kind == fact.TLSHandshakeDone && told[f.Kind] {
			continue
		}
		if told[f.Kind] && ofHandshake(f.Kind) && !f.At.After(end) {
			continue
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, byTime)
	return out
}

func byTime(a, b fact.Fact) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) }

// hostOf strips the port and the brackets of a Host value.
func hostOf(authority string) string {
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		authority = authority[:i]
	}
	if n := len(authority); n > 1 && authority[0] == '[' && authority[n-1] == ']' {
		return authority[1 : n-1]
	}
	return authority
}
