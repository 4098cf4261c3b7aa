package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/fact"
)

// word is the text of a fact that counts a run.
type word uint8

const (
	noWord word = iota
	ofData
	ofSyn
	ofSynAck
	ofFIN
	duplicate
	cutShort
	outside
	tooLate
)

func (w word) String() string {
	return [...]string{noWord: "", ofData: "data", ofSyn: "syn", ofSynAck: "syn_ack", ofFIN: "fin", duplicate: "duplicate", cutShort: "cut",
		outside: "outside_window", tooLate: "too_late"}[w]
}

// event is something that is counted while it goes on; as a run, count times in a row.
type event struct {
	kind  fact.Kind
	text  word
	count int32
	size  int64
	at    fact.Stamp
}

func (r *event) add(e event) {
	if r.count == 0 {
		*r = e
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

func (t *Tracker) tellRun(c *conn, d int, r *event) {
	if r.count > 0 && c.h != nil {
		t.tell(c, d, r.at, fact.Fact{Kind: r.kind, Code: int(r.count), Size: r.size, Text: r.text.String()})
	}
	*r = event{}
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
