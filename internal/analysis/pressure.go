package analysis

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
)

// pressure keeps the heap of a run within its limit. Budgets count what is large or many; a hostile capture finds what nobody counts,
// so that what the collector finds alive has the last word: when it is too much, the workers give connections up.
type pressure struct {
	full   uint64       // bytes of heap from which the collector is asked what is alive
	most   uint64       // bytes that may be alive
	rest   int          // looks between two calls: what was handed out before a call was worked on by then
	waits  int          // looks until the next
	calls  atomic.Int64 // for connections to be given up
	sample []metrics.Sample
}

func newPressure(memory int64, buffers int) *pressure {
	return &pressure{full: uint64(memory) / 8 * 6, most: uint64(memory) / 8 * 3, rest: buffers,
		sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}}
}

// look is called by the reading goroutine with each new buffer.
func (p *pressure) look() {
	const often = 4 // buffers between two looks
	if p.waits--; p.waits > 0 {
		return
	}
	p.waits = often
	if p.heap() < p.full {
		return
	}
	runtime.GC()
	if p.heap() > p.most {
		p.calls.Add(1)
		p.waits = max(p.rest, often)
	}
}

// heap is how many bytes are alive, or not collected yet.
func (p *pressure) heap() uint64 {
	metrics.Read(p.sample)
	return p.sample[0].Value.Uint64()
}

// follow calls shed when connections are to be given up; seen is the last call that was followed.
func (p *pressure) follow(seen *int64, shed func()) {
	if calls := p.calls.Load(); calls != *seen {
		*seen = calls
		shed()
	}
}
