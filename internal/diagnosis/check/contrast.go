package check

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// Bearing is what another connection says of a difference between those that fail and those that work.
type Bearing uint8

// What a connection may say of it.
const (
	Aside   Bearing = iota // nothing: it differs in more than this, or came to nothing
	Failed                 // it has what is in question, and failed alike
	Worked                 // it lacks that, and worked
	Against                // it has that and worked, or lacks it and failed alike
)

// Contrast counts the connections of a case by what they say of a difference: fails with it, works without.
type Contrast struct {
	Failed, Worked, Against int // Failed counts the connection in question, too

	first, last time.Time // when the first and the last that failed began
	between     bool      // one worked between these two
}

// Contrast asks bearing of each connection to compare with. Only those to the same address can settle a thing: another address may be
// another machine.
func (c *Case) Contrast(bearing func(*Flow) Bearing) Contrast {
	f := c.Flow
	x := Contrast{Failed: 1, first: f.Start, last: f.Start}
	var worked []time.Time
	for _, o := range c.Compared() {
		if o.Server != f.Server {
			continue
		}
		switch bearing(o) {
		case Failed:
			x.Failed++
			if o.Start.Before(x.first) {
				x.first = o.Start
			}
			if o.Start.After(x.last) {
				x.last = o.Start
			}
		case Worked:
			x.Worked++
			worked = append(worked, o.Start)
		case Against:
			x.Against++
		}
	}
	for _, at := range worked {
		x.between = x.between || at.After(x.first) && at.Before(x.last)
	}
	return x
}

// Settled reports whether neither chance nor a fault that passed explains it: it failed, worked without, and failed again, and never
// went the other way round.
func (x *Contrast) Settled() bool { return x.Failed > 1 && x.between && x.Against == 0 }

// Temper takes back to likely what rests on the contrast alone and is not settled by it.
func (x *Contrast) Temper(v *Verdict) {
	if v.Confidence == finding.Certain && !x.Settled() {
		v.Confidence = finding.Likely
		v.Settle = fmt.Sprintf("the same again: so far %d failed and %d worked otherwise, and a fault that passes would look alike", x.Failed, x.Worked)
	}
}

// Compared are the connections to compare with: Others, and Normal where there is one. Another port is another service, whose hellos and
// certificates tell nothing of this one.
func (c *Case) Compared() []*Flow {
	if c.Normal == nil || c.Normal.Server.Port() != c.Flow.Server.Port() {
		return c.Others
	}
	return append(c.Others[:len(c.Others):len(c.Others)], c.Normal)
}
