package tcp

import (
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// reuse is the last request of a connection that had served before, and that got no byte of an answer.
type reuse struct {
	served int           // the last fact of the server's before it
	asked  int           // where the request begins
	idle   time.Duration // how long the connection lay between
	line   string        // the request's, "" where it could not be read
	sealed bool          // told by records alone: it may be another thing than a request
}

// unansweredReuse finds it; false where the last request is the first one, or has an answer, or cannot be told.
func unansweredReuse(f *check.Flow) (reuse, bool) {
	var r reuse
	switch {
	case f.Has(fact.HTTP2Preface):
		return r, false // it says where it stops (http2.goaway_race)
	case f.Has(fact.ConnReused):
		r = live(f)
	case len(f.Exchanges()) > 0:
		r = told(f)
	default:
		r = sealed(f)
	}
	if r.asked < 0 || r.served < 0 || r.asked <= r.served || f.Find(r.asked, answers) >= 0 {
		return r, false
	}
	return r, true
}

// answers reports whether x is more of the server than its going: a byte of an answer, also one that the capture lacks, a wish, a complaint.
func answers(x *fact.Fact) bool {
	switch x.Kind {
	case fact.TLSApplicationData, fact.TLSHelloRequest, fact.TLSEncryptedMessage, fact.TLSPostHandshakeAuth, fact.TLSNotTLS, fact.FirstByte, fact.ResponseInterim,
		fact.ResponseHead, fact.HTTPBroken, fact.TCPGap, fact.TLSRecordLost, fact.TLSBadRecord:
		return x.Side != fact.SideClient
	case fact.TLSAlert:
		return x.Side == fact.SideServer && x.Code != 0
	}
	return false
}

// live is how the gateway tells of it.
func live(f *check.Flow) reuse {
	i := f.Last(fact.ConnReused)
	r := reuse{served: i, asked: f.Next(i, fact.RequestHead, fact.RequestSent), idle: time.Duration(f.Facts[i].Size)}
	if x := f.Exchanges(); len(x) > 0 && x[len(x)-1].Response == nil {
		r.line = x[len(x)-1].Line()
	}
	return r
}

// told is the last of several requests that could be read.
func told(f *check.Flow) reuse {
	all := f.Exchanges()
	x := &all[len(all)-1]
	if len(all) < 2 || x.Response != nil || x.RequestAt < 0 {
		return reuse{asked: -1}
	}
	r := reuse{served: lastHeard(f, fact.SideServer, x.RequestAt), asked: x.RequestAt, line: x.Line()}
	if r.served >= 0 {
		r.idle = f.Since(r.served, r.asked)
	}
	return r
}

// leastRequest is how many bytes a record takes that holds a request: less may be an alert, or frames of HTTP/2 at its end.
const leastRequest = 64

// sealed is what records alone tell: question, answer, a pause in which nobody owes anything, and another question.
func sealed(f *check.Flow) reuse {
	none := reuse{asked: -1}
	pause := f.Last(fact.Silence)
	for pause >= 0 && (f.Facts[pause].Side != fact.SideNone || f.Facts[pause].Text == "closed") {
		pause = lastBefore(f, pause, fact.Silence)
	}
	if pause < 0 {
		return none
	}
	asked := f.Next(pause, fact.TLSApplicationData)
	answer := lastBefore(f, pause, fact.TLSApplicationData)
	if asked < 0 || answer < 0 || f.Facts[asked].Side != fact.SideClient || f.Facts[asked].Size < leastRequest || f.Facts[answer].Side != fact.SideServer || f.FirstOf(fact.SideClient, fact.TLSApplicationData) > answer ||
		f.FirstOf(fact.SideClient, fact.TLSApplicationData) < 0 {
		return none
	}
	return reuse{served: answer, asked: asked, idle: time.Duration(f.Facts[pause].Size), sealed: true}
}

func lastBefore(f *check.Flow, i int, k fact.Kind) int {
	for i--; i >= 0; i-- {
		if f.Facts[i].Kind == k {
			return i
		}
	}
	return -1
}

// lastHeard is the last fact before index i that shows bytes of side s; its goodbye is none.
func lastHeard(f *check.Flow, s fact.Side, i int) int {
	last := -1
	for j := f.Heard(s, -1); j >= 0 && j < i; j = f.Heard(s, j) {
		if k := f.Facts[j].Kind; k != fact.TLSAlert && k != fact.TLSEncryptedAlert {
			last = j
		}
	}
	return last
}

// ended is the first end of the connection by the server after index i, a close_notify or an alert that could not be read among them; -1 without.
func endedBy(f *check.Flow, s fact.Side, i int) int {
	return f.Find(i, func(x *fact.Fact) bool {
		switch x.Kind {
		case fact.TCPClosed, fact.TCPReset, fact.TLSEncryptedAlert:
			return x.Side == s
		case fact.TLSAlert:
			return x.Side == s && (x.Code == 0 || x.Size == 2)
		}
		return false
	})
}

// fresh looks for the same request as the first one of another connection: one that was served, and one that was ended without an answer.
func fresh(c *check.Case, line string) (served, failed *check.Flow) {
	if line == "" || line == "the request" {
		return nil, nil
	}
	for _, o := range c.Others {
		x := o.Exchanges()
		if o.Server != c.Flow.Server || len(x) == 0 || x[0].Line() != line || o.Has(fact.ConnReused) || !near(c.Flow, o) {
			continue
		}
		switch {
		case x[0].Response != nil && x[0].Status() < 500 && served == nil:
			served = o
		case x[0].Response == nil && endedBy(o, fact.SideServer, -1) >= 0 && failed == nil:
			failed = o
		}
	}
	return served, failed
}
