package analysis

import (
	"math/rand/v2"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// Whoever is done first: the flows that began first are kept.
func TestKeeperKeepsTheFirst(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		keepers := make([]keeper, workers)
		for i := range keepers {
			keepers[i].most = 100
		}
		returned := 0
		for n, i := range rand.New(rand.NewPCG(1, 2)).Perm(2000) {
			f := &flow.Flow{ID: uint64(i + 1)}
			if i%2 == 0 {
				f.Bytes[1] = 1
			}
			returned += len(keepers[n%workers].add(f))
		}
		all := keeper{most: 100}
		for i := range keepers {
			all.merge(&keepers[i])
		}
		flows := all.all()
		if len(flows) != 105 || int(all.omitted) != 2000-105 {
			t.Fatalf("%d workers: %d flows are kept, %d omitted", workers, len(flows), all.omitted)
		}
		data := 0
		for i, f := range flows {
			if i > 0 && flows[i-1].ID >= f.ID {
				t.Fatalf("flow %d comes after %d", f.ID, flows[i-1].ID)
			}
			if f.Bytes[1] > 0 {
				if data++; f.ID > 200 {
					t.Errorf("flow %d is kept", f.ID)
				}
			} else if f.ID > 10 {
				t.Errorf("flow %d, without data, is kept", f.ID)
			}
		}
		if data != 100 || returned == 0 {
			t.Errorf("%d flows with data are kept, %d were handed back on the way", data, returned)
		}
	}
}
