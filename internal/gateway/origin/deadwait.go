package origin

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// deadWait belongs to one HTTP/1.1 connection. It knows which exchange is served, so that nobody ends the one after it, and looks at
// the connection while that could wait for ever (docs/decisions/0010-dead-waits.md). A request that nothing happens to costs it two
// uncontended locks.
type deadWait struct {
	why atomic.Pointer[reason.Error] // why the exchange was ended; the connection serves no other

	mu    sync.Mutex
	id    string // of the exchange that is served, "" for none
	timer *time.Timer
	armed bool
	body  <-chan struct{} // closed once the request body is out; nil unless the answer overtook it
	seen  standstill
}

// deadWaited is the cause within a reason that ended a wait.
type deadWaited struct{ after time.Duration }

func (d *deadWaited) Error() string {
	return "wait for the origin: nobody was going to speak again, after " + d.after.String()
}

// waitedDead is how long a wait lasted that ended with r before any timer; 0 where it was none.
func waitedDead(r *reason.Error) time.Duration {
	var d *deadWaited
	if r != nil && errors.As(r.Err, &d) {
		return max(d.after, 1)
	}
	return 0
}

// serve says that the exchange with this id has the connection now.
func (c *conn) serve(id string) {
	d := &c.dead
	d.mu.Lock()
	d.id = id
	d.mu.Unlock()
}

// leave says that it has not any more.
func (c *conn) leave() {
	d := &c.dead
	d.mu.Lock()
	defer d.mu.Unlock()
	d.id, d.armed, d.body = "", false, nil
	if d.timer != nil {
		d.timer.Stop()
	}
}

// watch begins to look at the connection, until the exchange leaves it: a renegotiation has begun, or an answer has overtaken the
// request body, whose end body says.
func (c *conn) watch(body <-chan struct{}) {
	if c.o.cfg.DeadWait <= 0 || c.h2 != nil {
		return
	}
	d := &c.dead
	d.mu.Lock()
	defer d.mu.Unlock()
	if body != nil {
		d.body = body
	} else {
		d.seen = standstill{before: c.tap.received.Load()}
	}
	if d.armed {
		return
	}
	d.armed = true
	if every := c.lookEvery(); d.timer == nil {
		d.timer = time.AfterFunc(every, c.lookAgain)
	} else {
		d.timer.Reset(every)
	}
}

// The bounds of the time between two looks.
const (
	looksEarliest = 10 * time.Millisecond
	looksLatest   = 250 * time.Millisecond
)

func (c *conn) lookEvery() time.Duration {
	return min(max(c.o.cfg.DeadWait/12, looksEarliest), looksLatest)
}

// lookAgain is one look, by a timer that leave stops.
func (c *conn) lookAgain() {
	d, cfg := &c.dead, &c.o.cfg
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.armed || d.why.Load() != nil {
		return
	}
	l := c.look()
	if !l.reneg && !l.overtaken {
		d.armed = false
		return
	}
	kind, still := d.seen.see(l)
	if kind != moving && still >= cfg.DeadWait && (kind.proven() || cfg.DeadWaitOn == "likely") {
		c.endLocked(kind.reason(), still)
		if kind == bothShut { // whoever reads it waits for the client: the origin need not wait for that
			_ = c.raw.Close()
		}
		return
	}
	d.timer.Reset(c.lookEvery())
}

// endLocked ends the exchange that is served, with r and after a wait; c.dead.mu is held.
func (c *conn) endLocked(r *reason.Error, after time.Duration) {
	r = ending(r, after)
	c.dead.armed = false
	c.dead.why.Store(r)
	c.abort()
}

// ending is r as the end of a wait.
func ending(r *reason.Error, after time.Duration) *reason.Error {
	after = after.Round(time.Millisecond)
	e := *r
	e.Detail, e.Err = after.String()+", dead_wait"+prefixed(r.Detail), &deadWaited{after}
	return &e
}

// look takes everything in at one moment.
func (c *conn) look() look {
	t := c.tap
	l := look{
		at: c.o.now(), reneg: t.state.Load() == tapReneg, unsaid: t.asked.Load() != 0, hello: t.helloAt.Load(), received: t.received.Load(),
	}
	if body := c.dead.body; body != nil {
		select {
		case <-body:
		default:
			l.overtaken = true
		}
	}
	l.tcp, l.known = c.probe.tcp()
	return l
}

// writeFailed is why a write failed.
type writeFailed struct{ err error }

// noteUnwritten notes that a write failed in a state in which the tap tells of records before they leave: crypto/tls would write a
// ClientHello behind half a record of the body, which nobody gets, and which must not stand in the facts.
func (t *tap) noteUnwritten(state int32, err error) {
	if err != nil && (state == tapSteady || state == tapReneg) {
		t.unwritten.CompareAndSwap(nil, &writeFailed{err})
	}
}
