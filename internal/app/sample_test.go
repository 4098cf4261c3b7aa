package app

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
)

// TestSampleTellsWhatItLacks: where flight_memory was used up, the sample says so.
func TestSampleTellsWhatItLacks(t *testing.T) {
	r, err := flight.New(flight.Config{Memory: 64 << 10}) // a few pages
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 64 << 10})
	tape := func(id uint64, bytes int) exchange.Tape {
		x := f.Open(exchange.Taped{ConnID: id, Start: time.Now()})
		x.Wire(fact.SideServer, time.Now().UnixNano(), make([]byte, bytes))
		return x
	}
	j, _ := testJudge(t)
	a := &aftermath{judge: j, line: func(*exchange.Exchange) []byte { return nil }}
	missing := func(tapes ...exchange.Tape) []incident.Missing {
		x := &exchange.Exchange{}
		for i, tape := range tapes {
			x.Attempts = append(x.Attempts, exchange.Attempt{ConnID: uint64(100 + i), Tape: tape})
		}
		return a.sample(x, nil).Missing
	}
	whole := tape(1, 100)
	if m := missing(whole, nil); len(m) > 0 {
		t.Errorf("nothing is missing, and it says %v", m)
	}
	cut := tape(2, 60<<10)
	if m := missing(whole, cut); len(m) != 2 || m[0].File != incident.PacketsFile || m[0].Why != short || m[1].File != incident.HARFile {
		t.Errorf("bytes are missing, and it says %v", m)
	}
	whole.Close()
	cut.Close()
	tape(3, 60<<10)
	if m := missing(whole); len(m) != 1 || m[0].Why != wiped {
		t.Errorf("a connection is missing, and it says %v", m)
	}
}
