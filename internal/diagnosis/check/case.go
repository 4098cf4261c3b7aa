package check

import (
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Case is the evidence about one connection, and what is known around it. It is read-only.
type Case struct {
	Flow   *Flow       // the connection in question, never nil; one that was not even tried has no facts of its own
	Others []*Flow     // other connections to the same origin, in order of time, variants made on purpose among them; never Flow itself
	Normal *Flow       // a connection that worked, named to compare with; nil without
	Facts  []fact.Fact // about no connection: lookups of names, waits for a connection, checks of health
}

// Flow is one connection, or a try at one, as it was watched.
type Flow struct {
	Conn           uint64
	Client, Server netip.AddrPort
	Name           string // host name that was wanted: configured, or SNI, or Host; "" unknown
	Watched        Watched
	Start, End     time.Time // of what was watched
	Ours           bool      // the client's end is Lunette: its configuration can mend things
	Purpose        string    // what a probe made it for ("sni_none", "tls1.0"), "" for traffic; checks look at what was sent instead
	Reason         reason.Code
	Detail         string
	Facts          []fact.Fact // in order of time

	has       kindSet
	exchanges []Exchange
}

// kindSet is which kinds are among facts.
type kindSet [4]uint64

func (s *kindSet) add(k fact.Kind)      { s[k>>6] |= 1 << (k & 63) }
func (s *kindSet) has(k fact.Kind) bool { return s[k>>6]&(1<<(k&63)) != 0 }

// Prepared returns f made ready for checks. It must be called once the facts are complete; Watched gains Plain where HTTP was read.
func (f Flow) Prepared() *Flow {
	for i := range f.Facts {
		f.has.add(f.Facts[i].Kind)
	}
	f.exchanges = pair(f.Facts)
	if f.Start.IsZero() && len(f.Facts) > 0 {
		f.Start = f.Facts[0].At
	}
	if n := len(f.Facts); n > 0 && f.End.Before(f.Facts[n-1].At) {
		f.End = f.Facts[n-1].At
	}
	return &f
}

// Watched is what was watched in the whole case.
func (c *Case) Watched() Watched {
	w := c.Flow.Watched
	if len(c.Others) > 0 || c.Normal != nil {
		w |= Others
	}
	for i := range c.Facts {
		if k := c.Facts[i].Kind; k == fact.DNSAnswer || k == fact.DNSFailed {
			w |= Names
		}
	}
	for _, o := range c.Others {
		if o.Purpose != "" {
			w |= Variants
		}
	}
	if c.Flow.Has(fact.OriginLogged) {
		w |= OriginLog
	}
	return w
}

// Around returns the facts of these kinds that belong to no connection.
func (c *Case) Around(kinds ...fact.Kind) []*fact.Fact {
	var out []*fact.Fact
	for i := range c.Facts {
		for _, k := range kinds {
			if c.Facts[i].Kind == k {
				out = append(out, &c.Facts[i])
			}
		}
	}
	return out
}

// Flows yields Flow, then Others.
func (c *Case) Flows(yield func(*Flow) bool) {
	if !yield(c.Flow) {
		return
	}
	for _, o := range c.Others {
		if !yield(o) {
			return
		}
	}
}
