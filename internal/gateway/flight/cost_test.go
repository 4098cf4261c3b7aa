package flight

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// BenchmarkRequest is what a small request and its answer cost, by turns on so many connections: on one everything lies in the cache, on
// a thousand nothing does.
func BenchmarkRequest(b *testing.B) {
	for _, m := range []Mode{Facts, Packets} {
		for _, n := range []int{1, 16, 1000} {
			b.Run(string(m)+"/"+map[int]string{1: "warm", 16: "some", 1000: "cold"}[n], func(b *testing.B) {
				r := recorder(b, Config{Memory: 1 << 30, Stalled: func(Stall) {}})
				var all []*tape
				for range n {
					all = append(all, open(b, r, Settings{Mode: m, StallAfter: 5e9}))
				}
				ask := tlswire.AppendRecord(nil, 23, 0x0303, make([]byte, 200))
				answer := tlswire.AppendRecord(nil, 23, 0x0303, make([]byte, 300))
				x := &exchange.Exchange{ID: "x"}
				at := epoch.UnixNano()
				one := func(t *tape) {
					at += 100_000
					t.Turn(x, exchange.TurnTaking)
					t.Wire(fact.SideClient, at, ask)
					t.Turn(x, exchange.TurnOrigin)
					at += 100_000
					t.Wire(fact.SideServer, at, answer)
					t.Turn(x, exchange.TurnOurs)
					t.Turn(x, exchange.TurnOver)
				}
				for range 400 { // all memory is there
					for _, t := range all {
						one(t)
					}
				}
				for i := 0; b.Loop(); i++ {
					one(all[i%n])
				}
			})
		}
	}
}
