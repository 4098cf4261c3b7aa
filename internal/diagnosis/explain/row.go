package explain

import (
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// form is how a row is drawn.
type form uint8

const (
	arrow form = iota // from its side to the other
	both              // a request and its response in one
	note              // between the lanes
	gap               // a silence that somebody owed an answer in
	more              // stands for rows that are left out
)

// level is how much a row matters.
type level uint8

const (
	routine level = iota
	usual
	warn
	bad
)

// row is one line of a ladder (a gap takes several).
type row struct {
	at       int64 // nanoseconds since the Unix epoch
	frame    int64
	side     fact.Side
	form     form
	level    level
	name     string // what it is
	more     string // what it says; both are clean
	class    string // rows of one class in a row may be joined
	exchange *httptimeline.Exchange
	size     int64 // of a silence, nanoseconds
}

// teller turns the facts of one flow into rows.
type teller struct {
	flow      *flow.Flow
	exchanges map[*fact.HTTPHead]*httptimeline.Exchange
	rows      []row
	hello     int64                  // time of the last ClientHello
	request   *fact.Fact             // the last HelloRequest
	asked     *httptimeline.Exchange // the last request
	sealed    [3]bool                // what this side sends does not open, from here on
	ended     [3]bool                // this side said that it closes
}

// rowsOf tells a whole flow.
func rowsOf(f *flow.Flow) []row {
	t := teller{flow: f, exchanges: make(map[*fact.HTTPHead]*httptimeline.Exchange, 2*len(f.Exchanges))}
	for _, x := range f.Exchanges {
		if x.Request.Head != nil {
			t.exchanges[x.Request.Head] = x
		}
		if x.Response.Head != nil {
			t.exchanges[x.Response.Head] = x
		}
	}
	for i := range f.Facts {
		t.tell(i, &f.Facts[i])
	}
	return t.rows
}

func (t *teller) tell(i int, f *fact.Fact) {
	r := row{at: f.At.UnixNano(), frame: f.Frame, side: f.Side, level: usual}
	if f.Side == fact.SideNone {
		r.form = note
	}
	told := false
	switch k := f.Kind; {
	case k == fact.Silence:
		told = t.silence(&r, f, i == t.flow.Decisive)
	case k >= fact.RequestSent:
		told = t.http(&r, f)
	case k >= fact.TLSClientHello && k <= fact.TLSPostHandshakeAuth:
		told = t.handshake(&r, f)
	case k >= fact.TLSAlert:
		told = t.records(&r, f)
	default:
		told = t.tcp(&r, f)
	}
	if told {
		t.rows = append(t.rows, r)
	}
}
