package counterfactual

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Bounds are how far a proof goes. Zero values are the defaults, and the most.
type Bounds struct {
	Connections int             // 12
	Time        time.Duration   // 5 s
	Patience    time.Duration   // of one try: 700 ms
	Toss        func(n int) int // a number from 0 to n-1: at random
}

func (b Bounds) withDefaults() Bounds {
	if b.Connections <= 0 || b.Connections > 12 {
		b.Connections = 12
	}
	if b.Time <= 0 || b.Time > 5*time.Second {
		b.Time = 5 * time.Second
	}
	if b.Patience <= 0 {
		b.Patience = 700 * time.Millisecond
	}
	if b.Toss == nil {
		b.Toss = rand.IntN
	}
	return b
}

// Verdict is what a proof came to.
type Verdict string

// The verdicts.
const (
	Demonstrated   Verdict = "demonstrated"    // the change cures it: shown again and again
	PassedByItself Verdict = "passed"          // unchanged, the attempt works by now
	FailsOtherwise Verdict = "fails_otherwise" // unchanged, it fails in another way by now
	NothingHelped  Verdict = "nothing_helped"  // everything that was planned was tried
	Flaky          Verdict = "flaky"           // the same try worked and failed
	Unfinished     Verdict = "unfinished"      // a bound was reached before it was certain
	Overloaded     Verdict = "overloaded"      // the origin asked for less
	NotWorth       Verdict = "not_worth"       // nothing that could be changed bears upon it
)

// Demonstration is the result of a proof.
type Demonstration struct {
	Verdict     Verdict
	Change      Change // the smallest that cured it; zero unless Demonstrated
	Sentence    string // for the engineer
	YAML        string // lines below an entry of sites:; "" unless Demonstrated
	Tries       []Try  // in order
	Connections int
	Took        time.Duration
}

// Try is one try and what came of it.
type Try struct {
	Change  Change
	Outcome Outcome
	Worked  bool
}

// chance is how likely, at most, an origin that fails at random shows a sequence that is taken for a proof.
const chance = 1.0 / 450

// proof is one proof under way.
type proof struct {
	c     *Case
	t     Trier
	b     Bounds
	start time.Time
	d     Demonstration
	end   Verdict // why no more is tried, "" while it goes on
}

// Prove looks for the smallest change that cures the failure.
func Prove(ctx context.Context, b Bounds, c Case, t Trier) Demonstration {
	p := &proof{c: &c, t: t, b: b.withDefaults(), start: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, p.b.Time)
	defer cancel()
	winner, v := p.search(ctx)
	p.d.Verdict, p.d.Took = v, time.Since(p.start)
	if v == Demonstrated {
		p.d.Change, p.d.YAML = winner, winner.YAML()
	}
	p.d.Sentence = p.sentence(&winner)
	return p.d
}

func (p *proof) search(ctx context.Context) (winner Change, _ Verdict) {
	plan := p.c.plan()
	if len(plan) == 0 {
		return winner, NotWorth
	}
	base, ok := p.try(ctx, Change{})
	switch {
	case !ok:
		return winner, p.end
	case p.c.works(&base):
		return winner, PassedByItself
	case !p.c.failsAlike(&base):
		return winner, FailsOtherwise
	}
	found := false
	for _, ch := range plan {
		if found && ch.price >= winner.price { // only a smaller one is of interest now
			continue
		}
		o, ok := p.try(ctx, ch)
		switch {
		case !ok:
			return winner, p.end
		case p.c.cures(&o, p.b.Patience):
			winner, found = ch, true
		}
	}
	if !found {
		return winner, NothingHelped
	}
	return winner, p.confirm(ctx, winner)
}

// confirm makes further tries with and without the change until chance is no explanation. Which comes next is tossed for: behind a balancer
// that asks a sick server every other time, one and the other in turns would look like a cure.
func (p *proof) confirm(ctx context.Context, winner Change) Verdict {
	for again, good := 0, 0; again == 0 || good == 0 || p.byChance(&winner) > p.enough(); {
		if p.tossed(&winner, again) {
			good++
			o, ok := p.try(ctx, winner)
			switch {
			case !ok:
				return p.end
			case !p.c.cures(&o, p.b.Patience):
				return Flaky
			}
			continue
		}
		again++
		o, ok := p.try(ctx, Change{})
		switch {
		case !ok:
			return p.end
		case !p.c.failsAlike(&o):
			return Flaky
		}
	}
	return Demonstrated
}

// enough is how likely chance may be for no more to be tried: the less, the more room there is.
func (p *proof) enough() float64 {
	if p.b.Connections-p.d.Connections >= p.cost(&Change{}) && p.b.Time-time.Since(p.start) > p.b.Time/2 {
		return chance / 8
	}
	return chance
}

// tossed reports whether the next try is one with the change. Towards the bounds that is asked for which tells more.
func (p *proof) tossed(winner *Change, again int) bool {
	if p.b.Connections-p.d.Connections <= 3 || p.b.Time-time.Since(p.start) < 3*p.b.Patience {
		failed, worked := p.counts(winner)
		return again > 0 && byChance(failed, worked+1) <= byChance(failed+1, worked)
	}
	return p.b.Toss(2) > 0
}

// byChance is how likely the tries so far are at most where each fails at random, with whatever probability: that of the winner and
// those that failed. The most likely probability is their share.
func (p *proof) byChance(winner *Change) float64 { return byChance(p.counts(winner)) }

func byChance(f, w int) float64 {
	failed, worked := float64(f), float64(w)
	n := failed + worked
	return math.Pow(failed/n, failed) * math.Pow(worked/n, worked)
}

// counts are the tries that failed, and those with the winner that worked.
func (p *proof) counts(winner *Change) (failed, worked int) {
	for i := range p.d.Tries {
		switch t := &p.d.Tries[i]; {
		case !t.Worked:
			failed++
		case t.Change.Does == winner.Does:
			worked++
		}
	}
	return failed, worked
}

// cost is how many connections a try may take.
func (p *proof) cost(ch *Change) int {
	if p.c.Did.Reused && !ch.Fresh {
		return 2
	}
	return 1
}

// try makes one try, where the bounds allow it; else it says why not, in p.end.
func (p *proof) try(ctx context.Context, ch Change) (Outcome, bool) {
	left := p.b.Time - time.Since(p.start)
	if p.d.Connections+p.cost(&ch) > p.b.Connections || left < p.b.Patience || ctx.Err() != nil {
		p.end = Unfinished
		return Outcome{}, false
	}
	o := p.t.Try(ctx, ch, p.b.Patience)
	p.d.Connections += o.Connections
	p.d.Tries = append(p.d.Tries, Try{Change: ch, Outcome: o, Worked: p.c.cures(&o, p.b.Patience)})
	switch {
	case overloaded(&o), o.Reason == reason.LimitNoFDs, o.Reason == reason.LimitNoPorts, o.Reason == reason.LimitNoMemory:
		p.end = Overloaded
		return o, false
	case ctx.Err() != nil:
		p.end = Unfinished
		return o, false
	}
	return o, true
}
