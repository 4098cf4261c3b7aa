package flow

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/fact"
)

func data(ms int64, side fact.Side, size int64) fact.Fact {
	return fact.Fact{Kind: fact.TLSApplicationData, At: time.Unix(0, ms*1e6).UTC(), Frame: ms, Side: side, Code: 1, Size: size}
}

func observed(ms int64, k fact.Kind, side fact.Side) fact.Fact {
	return fact.Fact{Kind: k, At: time.Unix(0, ms*1e6).UTC(), Frame: ms, Side: side}
}

func TestRuns(t *testing.T) {
	tests := map[string]struct {
		facts []fact.Fact
		want  []int64 // Size of each fact of application data
	}{
		"one side":               {[]fact.Fact{data(0, client, 1), data(1, client, 2), data(2, client, 4)}, []int64{7}},
		"the other speaks":       {[]fact.Fact{data(0, client, 1), data(1, server, 2), data(2, client, 4)}, []int64{1, 2, 4}},
		"a pause":                {[]fact.Fact{data(0, client, 1), data(99, client, 2), data(199, client, 4)}, []int64{3, 4}},
		"an alert between":       {[]fact.Fact{data(0, client, 1), observed(1, fact.TLSAlert, client), data(2, client, 4)}, []int64{1, 4}},
		"the other's alert":      {[]fact.Fact{data(0, client, 1), observed(1, fact.TLSAlert, server), data(2, client, 4)}, []int64{1, 4}},
		"a retransmission":       {[]fact.Fact{data(0, client, 1), observed(1, fact.TCPRetransmission, client), data(2, client, 4)}, []int64{1, 4}},
		"one of the other":       {[]fact.Fact{data(0, client, 1), observed(1, fact.TCPRetransmission, server), data(2, client, 4)}, []int64{5}},
		"HTTP lies within":       {[]fact.Fact{data(0, client, 1), observed(1, fact.RequestHead, client), data(2, client, 4)}, []int64{5}},
		"HTTP/2 of both in one":  {[]fact.Fact{data(0, client, 1), observed(1, fact.HTTP2Settings, server), data(2, client, 4)}, []int64{5}},
		"a silence of the whole": {[]fact.Fact{data(0, client, 1), observed(1, fact.Silence, fact.SideNone), data(2, client, 4)}, []int64{1, 4}},
	}
	for name, tt := range tests {
		c := collector{most: 100}
		records := 0
		for i := range tt.facts {
			c.add(&tt.facts[i])
		}
		var got []int64
		for _, f := range c.sorted() {
			if f.Kind == fact.TLSApplicationData {
				got = append(got, f.Size)
				records += f.Code
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: runs of %v bytes, want %v", name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: runs of %v bytes, want %v", name, got, tt.want)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	c := collector{most: 100}
	for i := range int64(1000) {
		f := observed(1000-i, fact.TCPRetransmission, client)
		c.add(&f)
	}
	for range 1000 {
		f := observed(2000, fact.TLSAlert, server)
		c.add(&f)
	}
	if len(c.facts) > 150 || c.omitted != 2000-len(c.facts) {
		t.Errorf("%d facts are kept, %d omitted", len(c.facts), c.omitted)
	}
	facts := c.sorted()
	if facts[len(facts)-1].Kind != fact.TLSAlert {
		t.Error("the end of a long flow is not told")
	}
	for i := 1; i < len(facts); i++ {
		if facts[i].At.Before(facts[i-1].At) {
			t.Fatalf("fact %d is out of order", i)
		}
	}

	small := collector{most: 100, budget: budget.New(5 * factWeight)}
	for i := range int64(50) {
		f := observed(i, fact.TCPRetransmission, client)
		small.add(&f)
	}
	if len(small.facts) != 5 || small.omitted != 45 || small.budget.Used() != 5*factWeight {
		t.Errorf("within a budget of 5: %d facts, %d omitted, %d bytes taken", len(small.facts), small.omitted, small.budget.Used())
	}
}

func TestDecisive(t *testing.T) {
	silence := func(side fact.Side, size int64) fact.Fact {
		return fact.Fact{Kind: fact.Silence, Side: side, Size: size}
	}
	facts := []fact.Fact{silence(fact.SideNone, 100), silence(client, 5), observed(1, fact.TLSAlert, client), silence(server, 30), silence(client, 30)}
	if got := decisive(facts); got != 3 {
		t.Errorf("fact %d is decisive, want 3", got)
	}
	if got := decisive(facts[:1]); got != -1 {
		t.Errorf("fact %d is decisive, want none", got)
	}
}
