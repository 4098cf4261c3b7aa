package flow

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/fact"
)

// collector keeps the facts of one flow, joins runs of application data and holds the bounds.
type collector struct {
	conn    uint64
	most    int
	budget  *budget.Budget
	facts   []fact.Fact
	omitted int
	run     [3]run
}

// run is application data of one side that the next record may join.
type run struct {
	fact int   // its index in facts, plus 1; 0: none is open
	last int64 // time of its last record, nanoseconds
}

// add takes the next fact.
func (c *collector) add(f *fact.Fact) {
	if f.Kind == fact.TLSApplicationData {
		if c.join(f) {
			return
		}
	} else {
		c.interrupt(f)
	}
	f.Conn = c.conn
	if full := len(c.facts) >= c.most && !(weighty(f.Kind) && len(c.facts) < c.most+c.most/16+16); full || !c.budget.Take(weightOf(f)) {
		c.omitted++
		return
	}
	if len(c.facts) == cap(c.facts) && len(c.facts) < 24 { // few flows have only one, most have some twenty
		c.facts = slices.Grow(c.facts, min(4+20*len(c.facts), 24))
	}
	c.facts = append(c.facts, *f)
	if f.Kind == fact.TLSApplicationData {
		c.run[f.Side] = run{fact: len(c.facts), last: f.At.UnixNano()}
	}
}

// join adds application data to the run of its side, where one is open.
func (c *collector) join(f *fact.Fact) bool {
	c.run[f.Side.Other()] = run{}
	open := &c.run[f.Side]
	at := f.At.UnixNano()
	if open.fact == 0 || at-open.last >= runPause {
		return false
	}
	first := &c.facts[open.fact-1]
	first.Code += f.Code
	first.Size += f.Size
	open.last = at
	return true
}

// interrupt ends runs: what TLS says ends those of both sides, what TCP says ends that of its side. HTTP lies within them.
func (c *collector) interrupt(f *fact.Fact) {
	switch {
	case f.Kind >= fact.RequestSent && f.Kind != fact.Silence:
	case f.Kind >= fact.TLSClientHello:
		c.run = [3]run{}
	default:
		c.run[f.Side] = run{}
	}
}

// weighty facts are kept when the room for the others is used up: without them the end of a long flow would be untold.
func weighty(k fact.Kind) bool {
	switch k {
	case fact.TLSAlert, fact.TLSHelloRequest, fact.TLSHelloRequestAnswer, fact.TLSRenegotiated, fact.TLSPostHandshakeAuth,
		fact.TLSUndecryptable, fact.TCPReset, fact.TCPClosed, fact.HTTP2GoAway, fact.HTTPCutShort, fact.Silence:
		return true
	}
	return false
}

// sorted returns the facts in order of time and packet; those of one packet stay in the order in which they were told.
func (c *collector) sorted() []fact.Fact {
	order := func(a, b fact.Fact) int {
		if n := a.At.Compare(b.At); n != 0 {
			return n
		}
		return cmp.Compare(a.Frame, b.Frame)
	}
	if !slices.IsSortedFunc(c.facts, order) {
		slices.SortStableFunc(c.facts, order)
	}
	if cap(c.facts) > len(c.facts)+len(c.facts)/4 {
		return slices.Clone(c.facts)
	}
	return c.facts
}

// decisive is the index of the longest silence that somebody owed an answer in, -1 without one.
func decisive(facts []fact.Fact) int {
	at := -1
	for i := range facts {
		if f := &facts[i]; f.Kind == fact.Silence && f.Side != fact.SideNone && (at < 0 || f.Size > facts[at].Size) {
			at = i
		}
	}
	return at
}
