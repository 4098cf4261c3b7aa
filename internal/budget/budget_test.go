package budget

import (
	"sync"
	"testing"
)

func TestTakeAndGive(t *testing.T) {
	b := New(10)
	if !b.Take(6) || b.Take(5) || !b.Take(4) || b.Take(1) {
		t.Error("10 bytes are not 10 bytes")
	}
	b.Give(3)
	if !b.Take(3) || b.Used() != 10 || b.Peak() != 10 {
		t.Errorf("used %d, peak %d", b.Used(), b.Peak())
	}
}

func TestNoBound(t *testing.T) {
	var none *Budget
	if !none.Take(1<<40) || none.Used() != 0 || none.Peak() != 0 {
		t.Error("a nil budget has a bound")
	}
	none.Give(1)
	if b := New(0); !b.Take(1<<40) || b.Used() != 1<<40 {
		t.Error("a budget of 0 has a bound")
	}
}

func TestConcurrentUseNeverExceeds(t *testing.T) {
	b := New(100)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if b.Take(30) {
					b.Give(30)
				}
			}
		})
	}
	wg.Wait()
	if b.Used() != 0 || b.Peak() > 100 {
		t.Errorf("used %d, peak %d", b.Used(), b.Peak())
	}
}
