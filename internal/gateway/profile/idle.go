package profile

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// IdleClose is when an origin closes an idle connection. A bound of 0 is not known.
type IdleClose struct {
	AtLeast  time.Duration `json:"at_least_ns"` // connections were still open after this
	AtMost   time.Duration `json:"at_most_ns"`  // and closed after this
	Closures uint64        `json:"closures"`    // that were seen
}

func (c IdleClose) words() string {
	switch {
	case c.AtMost == 0 && c.AtLeast == 0:
		return "at an unknown time"
	case c.AtMost == 0:
		return "after more than " + short(c.AtLeast)
	case c.AtLeast == 0:
		return "within " + short(c.AtMost)
	}
	return "after " + short(c.AtLeast) + " to " + short(c.AtMost)
}

// keep is a keepalive_idle that the origin outlasts; 0 where that is not known.
func (c IdleClose) keep() time.Duration {
	d := c.AtLeast * 4 / 5
	if c.AtLeast == 0 {
		d = c.AtMost / 2
	}
	if c.AtMost > 0 {
		d = min(d, c.AtMost*4/5)
	}
	switch {
	case d >= 2*time.Second:
		return d.Truncate(time.Second)
	case d >= 200*time.Millisecond:
		return d.Truncate(100 * time.Millisecond)
	}
	return d.Truncate(10 * time.Millisecond)
}

// short rounds d to two or three digits.
func short(d time.Duration) string {
	for unit := time.Duration(1); unit < d; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.String()
}

const (
	worthIdle     = 50 * time.Millisecond // shorter ones tell nothing
	knownClosures = 3                     // before a bound is believed
	closureEvery  = time.Second           // a restart closes many at once: one of them counts
	againstEvery  = 10 * time.Second      // observations against what is known count once in that time
	againstMost   = 5                     // so many of them change it
	rememberIdle  = 2048
)

// idler learns when idle connections are closed.
type idler struct {
	open, closed histogram
	closures     atomic.Uint64
	// Of the kept connection's way, in nanoseconds: what is known to be survived, and beyond what nothing was thought to survive; both
	// MaxInt64 while nothing is known.
	usual, beyond atomic.Int64
	survived      atomic.Int64 // when a connection was last open after usual, nanoseconds since the epoch

	// Under the entry's lock.
	known       IdleClose
	lastClosure time.Time
	shorter     against
	longer      against
}

// against counts observations that speak against what is known.
type against struct {
	n           int
	first, last time.Time
	min, max    time.Duration
}

func (a *against) add(now time.Time, idle time.Duration) bool {
	if a.n > 0 && now.Sub(a.last) < againstEvery {
		return false
	}
	if a.n == 0 {
		a.first, a.min, a.max = now, idle, idle
	}
	a.n++
	a.last, a.min, a.max = now, min(a.min, idle), max(a.max, idle)
	return a.n >= againstMost
}

func (i *idler) init() {
	i.usual.Store(math.MaxInt64)
	i.beyond.Store(math.MaxInt64)
}

// reused takes that a connection was open after idle. It reports whether that speaks against what is known; it takes no lock.
func (i *idler) reused(idle time.Duration, now time.Time) (odd bool) {
	if idle < worthIdle {
		return false
	}
	i.open.add(idle)
	if int64(idle) >= i.usual.Load() {
		i.survived.Store(now.UnixNano())
	}
	return int64(idle) > i.beyond.Load()
}

// outlived takes an odd one of reused, under the entry's lock.
func (i *idler) outlived(idle time.Duration, now time.Time) (was, is IdleClose, changed bool) {
	if i.known.AtMost == 0 || !i.longer.add(now, idle) {
		return IdleClose{}, IdleClose{}, false
	}
	return i.anew(IdleClose{AtLeast: i.longer.max})
}

// ended takes that the origin had closed a connection when it had lain for idle, under the entry's lock.
func (i *idler) ended(idle time.Duration, now time.Time) (was, is IdleClose, changed bool) {
	if now.Sub(i.lastClosure) < closureEvery {
		return IdleClose{}, IdleClose{}, false
	}
	i.lastClosure = now
	i.closures.Add(1)
	i.closed.add(idle)
	if i.known.AtMost > 0 && idle <= i.known.AtMost*3/2 {
		i.longer = against{}
	}
	if least := i.known.AtLeast; least > 0 && idle < least*2/3 {
		if i.shorter.n > 0 && i.survived.Load() > i.shorter.first.UnixNano() {
			i.shorter = against{} // in between one was open for as long as usual: a restart, or another limit
		}
		if i.shorter.add(now, idle) {
			return i.anew(IdleClose{AtMost: i.shorter.max})
		}
		return IdleClose{}, IdleClose{}, false
	}
	i.shorter = against{}
	i.settle()
	return IdleClose{}, IdleClose{}, false
}

// anew forgets what is known for is.
func (i *idler) anew(is IdleClose) (IdleClose, IdleClose, bool) {
	was := i.known
	i.open.clear()
	i.closed.clear()
	i.shorter, i.longer = against{}, against{}
	is.Closures = i.closures.Load()
	i.set(is)
	return was, is, true
}

// settle works out the bounds: the cut that the fewest observations contradict.
func (i *idler) settle() {
	i.open.decay(rememberIdle)
	i.closed.decay(rememberIdle)
	var open, closed [buckets]uint64
	for b := range buckets {
		open[b], closed[b] = uint64(i.open[b].Load()), uint64(i.closed[b].Load())
	}
	wrong := uint64(0) // with the cut below all: those that were open are wrong
	for b := range buckets {
		wrong += open[b]
	}
	cut, least := -1, wrong
	for b := range buckets {
		if wrong = wrong - open[b] + closed[b]; wrong < least {
			cut, least = b, wrong
		}
	}
	is := IdleClose{Closures: i.closures.Load()}
	for b := range cut + 1 {
		if open[b] > 0 {
			is.AtLeast = from(b)
		}
	}
	above := uint64(0)
	for b := buckets - 1; b > cut; b-- {
		if closed[b] > 0 {
			above, is.AtMost = above+closed[b], upTo(b)
		}
	}
	if above < knownClosures {
		is.AtMost = 0
	}
	i.set(is)
}

func (i *idler) set(is IdleClose) {
	i.known = is
	usual, beyond := int64(math.MaxInt64), int64(math.MaxInt64)
	if is.AtLeast > 0 {
		usual = int64(is.AtLeast) * 9 / 10
	}
	if is.AtMost > 0 {
		beyond = int64(is.AtMost) * 3 / 2
	}
	i.usual.Store(usual)
	i.beyond.Store(beyond)
}

func (c IdleClose) String() string { return fmt.Sprintf("closes idle connections %s", c.words()) }
