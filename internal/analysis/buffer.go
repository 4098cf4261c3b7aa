package analysis

import (
	"sync/atomic"

	"github.com/lunette-waf/lunette/internal/capture/packet"
)

// bufferSize is how much of a file is read at once: little enough that it is still in the caches of a core when it is worked on.
const bufferSize = 256 << 10

// buffer is memory that packets of the file stand in. It goes back to its pool when nobody uses it any more.
type buffer struct {
	data []byte
	uses atomic.Int32
	home *pool
}

// pool holds the free buffers of a pass. There are only so many: the reader waits here for the workers.
type pool struct {
	free    chan *buffer
	batches chan *batch
}

func newPool(buffers, batches int) *pool {
	p := &pool{free: make(chan *buffer, buffers), batches: make(chan *batch, batches)}
	for range buffers {
		p.free <- &buffer{home: p}
	}
	return p
}

// take returns a buffer of at least n bytes, used once.
func (p *pool) take(n int) *buffer {
	b := <-p.free
	if len(b.data) < n {
		b.data = make([]byte, n)
	}
	b.uses.Store(1)
	return b
}

// release ends one use.
func (b *buffer) release() {
	if b.uses.Add(-1) == 0 {
		if len(b.data) > bufferSize {
			b.data = nil // one block of a file was as long; the next are not
		}
		b.home.free <- b
	}
}

// batch is what one worker is to do: segments whose payloads stand in one buffer.
type batch struct {
	segments []packet.Segment
	verdicts []packet.Verdict
	from     *buffer
}

func (p *pool) batch(from *buffer) *batch {
	from.uses.Add(1)
	select {
	case b := <-p.batches:
		b.from = from
		return b
	default:
		return &batch{from: from}
	}
}

// done gives b and its use of the buffer back.
func (p *pool) done(b *batch) {
	b.from.release()
	b.segments, b.verdicts, b.from = b.segments[:0], b.verdicts[:0], nil
	select {
	case p.batches <- b:
	default:
	}
}
