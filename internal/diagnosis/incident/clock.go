package incident

import "time"

// clock tells whether the wall clock can be believed. A clock that is set, by hand or after a boot, must not cost incidents.
type clock struct {
	start   time.Time     // when the Keeper began, by both clocks
	ahead   time.Duration // by how much the wall clock had moved against the other at the last look
	settled time.Time     // since when it has not
}

const (
	setBy      = time.Minute // what the wall clock moves by is no mere correction
	heldFor    = time.Hour   // how long it must have held until what is old by it is removed
	futureFrom = time.Minute // what is so far ahead was written by another clock
)

// since is how long the Keeper has run, whatever the wall clock says.
func (c *clock) since(now time.Time) time.Duration { return now.Sub(c.start) }

// held reports whether the wall clock was not set for long enough.
func (c *clock) held(now time.Time) bool {
	ahead := now.Round(0).Sub(c.start.Round(0)) - c.since(now) // Round takes the other clock away
	if c.settled.IsZero() || (ahead-c.ahead).Abs() > setBy {
		c.ahead, c.settled = ahead, now
	}
	return now.Sub(c.settled) >= heldFor
}
