package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/fact"
)

// event is something that is counted while it goes on.
type event struct {
	kind fact.Kind
	text string
	size int64
	at   fact.Stamp
}

// run is the same event several times in a row.
type run struct {
	event
	count int
}

func (r *run) add(e event) {
	if r.count == 0 {
		r.event = e
	} else {
		r.size += e.size
	}
	r.count++
}

// note counts e to the run of direction d, or begins one.
func (t *Tracker) note(c *conn, d int, e event) {
	r := &c.half[d].run
	if r.count > 0 && (r.kind != e.kind || r.text != e.text) {
		t.flushRun(c, d)
	}
	r.add(e)
}

// flushRun tells the run of direction d, which is over.
func (t *Tracker) flushRun(c *conn, d int) {
	t.tellRun(c, d, &c.half[d].run)
}

func (t *Tracker) tellRun(c *conn, d int, r *run) {
	if r.count > 0 && c.h != nil {
		t.tell(c, d, r.at, fact.Fact{Kind: r.kind, Code: r.count, Size: r.size, Text: r.text})
	}
	*r = run{}
}

// tell fills in f and hands it on.
func (t *Tracker) tell(c *conn, d int, at fact.Stamp, f fact.Fact) {
	f.Conn, f.Side, f.At, f.Frame = c.info.ID, side(d), at.Time(), at.Frame
	c.h.Fact(f)
}

// silence tells of the pause before now.
func (t *Tracker) silence(c *conn, now int64) {
	at := c.info.Spoke
	c.h.Fact(fact.Fact{Kind: fact.Silence, Conn: c.info.ID, At: at.Time(), Frame: at.Frame, Size: now - at.At})
}
