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
	kind     fact.Kind
	form     form
	level    level
	name     string // what it is
	more     string // what it says; both are clean
	class    string // rows of one class in a row may be joined
	exchange *httptimeline.Exchange
	key      string // rows of two flows with the same key are the same event; "" for what is not compared
	length   int64  // of a silence, nanoseconds
	sum      string // what of a row must be the same in both
	fact     int    // its index in the facts of the flow, -1 for what stands for several
	marked   bool   // a finding rests on it
}

// teller turns the facts of one flow into rows.
type teller struct {
	flow      *flow.Flow
	exchanges map[*fact.HTTPHead]*httptimeline.Exchange
	rows      []row
	hello     int64                             // time of the last ClientHello that began a handshake
	retried   bool                              // a HelloRetryRequest came: the next ClientHello goes on with it
	request   *fact.Fact                        // the last HelloRequest
	asked     *httptimeline.Exchange            // the last request
	open      map[uint32]*httptimeline.Exchange // by stream, the exchange whose head came last
	sealed    [3]bool                           // what this side sends does not open, from here on
	ended     [3]bool                           // this side said that it closes
	changed   [3]bool                           // this side's ChangeCipherSpec came, its Finished did not
	secured   [3]bool                           // this side's first Finished came: what it sends from here on is encrypted
	shown     [3]*fact.Certificate              // the last leaf that this side sent
	raw       bool                              // tell application data as records, not as HTTP
	clock     func(at int64) string             // writes a moment
}

// rowsOf tells a whole flow; raw tells application data as records, as if nothing of HTTP were known. clock writes the times in texts.
func rowsOf(f *flow.Flow, raw bool, clock func(at int64) string) []row {
	t := teller{flow: f, raw: raw, clock: clock, exchanges: make(map[*fact.HTTPHead]*httptimeline.Exchange, 2*len(f.Exchanges)),
		open: map[uint32]*httptimeline.Exchange{}}
	for _, x := range f.Exchanges {
		if x.Request.Head != nil {
			t.exchanges[x.Request.Head] = x
		}
		if x.Response.Head != nil {
			t.exchanges[x.Response.Head] = x
		}
	}
	found := verdicts(f)
	for i := range f.Facts {
		t.tell(i, &f.Facts[i])
		for ; len(found) > 0 && found[0].after <= i; found = found[1:] {
			t.rows = append(t.rows, found[0].row(&f.Facts[i]))
		}
	}
	silenceLast(t.rows)
	return t.rows
}

// silenceLast puts a silence behind the rows of the moment at which it begins: some are understood only later.
func silenceLast(rows []row) {
	for i := 0; i+1 < len(rows); i++ {
		if rows[i].kind == fact.Silence && rows[i+1].kind != fact.Silence && rows[i+1].at == rows[i].at {
			rows[i], rows[i+1] = rows[i+1], rows[i]
		}
	}
}

func (t *teller) tell(i int, f *fact.Fact) {
	r := row{at: f.At.UnixNano(), frame: f.Frame, side: f.Side, kind: f.Kind, level: usual, fact: i}
	if f.Side == fact.SideNone {
		r.form = note
	}
	told := false
	switch k := f.Kind; {
	case k == fact.Silence:
		told = t.silence(&r, f, i == t.flow.Decisive)
	case k == fact.OriginLogged:
		told = t.logged(&r, f)
	case k >= fact.RequestSent:
		told = !t.raw && t.http(&r, f)
	case k >= fact.TLSClientHello && k <= fact.TLSPostHandshakeAuth:
		told = t.handshake(&r, f)
	case k >= fact.TLSAlert:
		told = t.records(&r, f)
	default:
		told = t.tcp(&r, f)
	}
	if told {
		t.compared(&r, f)
		t.rows = append(t.rows, r)
	}
}
