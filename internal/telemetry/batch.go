package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	flushEvery  = 100 * time.Millisecond
	flushBytes  = 64 << 10 // of one chunk
	retryEvery  = 500 * time.Millisecond
	keepChunks  = 16 // for use again
	minPending  = 256 << 10
	maxPending  = 1 << 30
	dfltPending = 8 << 20
)

// batch gathers lines under a mutex; one goroutine writes them out, at most flushEvery later. Lines wait in memory while
// the writer fails or hangs, up to max bytes; further ones are dropped whole and counted. Nothing else is ever dropped, and
// what is written stays in order.
type batch struct {
	name   string // of the log, for errors
	sink   sink
	max    int
	closed bool // policy: refuse requests rather than lose lines

	// whole returns how many of the bytes are whole records: a record that is cut is written whole again into a new file.
	whole func(written []byte) int

	mu    sync.Mutex
	queue [][]byte // chunks that are full, oldest first
	cur   []byte   // the chunk that takes lines
	free  [][]byte
	used  int // bytes that wait: queue, cur and what of out is not yet written
	ended bool

	out []byte // lines being written; the goroutine's own
	off int    // how much of out is written

	lines, dropped, errors atomic.Uint64
	waiting                atomic.Int64 // bytes, for the gauge
	failing                atomic.Bool  // the last write failed
	crowded                atomic.Bool  // three quarters of max are used

	wake, full, quit chan struct{}
	reopen           chan chan error
	done             chan struct{}
}

// sink is where lines go.
type sink interface {
	io.Writer
	// Reopen opens the file anew; on an error the old one stays in use.
	Reopen() error
	// Moved reports, at most once a second, that the path no longer leads to the open file.
	Moved() bool
	Close() error
}

// newBatch starts the writer of the access log.
func newBatch(s sink, limit int, closed bool) *batch {
	return startBatch(accessLog, s, limit, closed, wholeLines)
}

func startBatch(name string, s sink, limit int, closed bool, whole func(written []byte) int) *batch {
	w := &batch{
		name: name, sink: s, whole: whole, max: limit, closed: closed, cur: make([]byte, 0, flushBytes),
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), quit: make(chan struct{}),
		reopen: make(chan chan error), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// append takes a copy of one whole line; false means that it was dropped.
func (w *batch) append(line []byte) bool {
	w.mu.Lock()
	if w.ended || w.used+len(line) > w.max {
		w.mu.Unlock()
		w.crowded.Store(true)
		w.dropped.Add(1)
		return false
	}
	first := len(w.cur) == 0 && len(w.queue) == 0
	full := len(w.cur) > 0 && len(w.cur)+len(line) > cap(w.cur)
	if full {
		w.queue = append(w.queue, w.cur)
		w.cur = w.chunk()
	}
	w.cur = append(w.cur, line...)
	w.usedLocked(len(line))
	w.mu.Unlock()
	w.lines.Add(1)
	if first {
		poke(w.wake)
	}
	if full {
		poke(w.full)
	}
	return true
}

// usedLocked changes what waits by n bytes.
func (w *batch) usedLocked(n int) {
	w.used += n
	w.waiting.Store(int64(w.used))
	w.crowded.Store(w.used > w.max/4*3)
}

// chunk returns an empty chunk; the lock is held.
func (w *batch) chunk() []byte {
	if n := len(w.free); n > 0 {
		c := w.free[n-1]
		w.free = w.free[:n-1]
		return c
	}
	return make([]byte, 0, flushBytes)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// admit says whether a request may be served: with the closed policy not while the log cannot take its line.
func (w *batch) admit() error {
	switch {
	case !w.closed:
		return nil
	case w.failing.Load():
		return reason.New(reason.UsLogFailed, "write failed", nil)
	case w.crowded.Load():
		return reason.New(reason.UsLogFailed, "writer stuck", nil)
	}
	return nil
}

func (w *batch) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	armed := false
	flush := func() {
		err := w.flush(false)
		armed = w.waiting.Load() > 0
		switch {
		case err != nil:
			timer.Reset(retryEvery)
		case armed: // a chunk that is not full yet
			timer.Reset(flushEvery)
		}
	}
	for {
		select {
		case <-w.wake:
			if !armed {
				timer.Reset(flushEvery)
				armed = true
			}
		case <-w.full:
			if !w.failing.Load() {
				flush()
			}
		case <-timer.C:
			flush()
		case answer := <-w.reopen:
			_ = w.flush(false) // what it could not write goes to the new file
			answer <- w.renew()
			flush()
		case <-w.quit:
			timer.Stop()
			_ = w.flush(true) // the last try; what is lost is counted
			return
		}
	}
}

// flush writes what waits: once, or until nothing waits.
func (w *batch) flush(all bool) error {
	if w.sink.Moved() {
		if err := w.renew(); err != nil {
			w.errors.Add(1) // the old file is still open: go on with it
		}
	}
	for {
		if w.off == len(w.out) && !w.take() {
			return nil
		}
		n, err := w.sink.Write(w.out[w.off:])
		n = max(0, min(n, len(w.out)-w.off))
		w.off += n
		if err == nil && w.off < len(w.out) {
			err = io.ErrShortWrite
		}
		w.written(n)
		w.failing.Store(err != nil)
		if err != nil {
			w.errors.Add(1)
			return err
		}
		if !all && !w.hasFull() {
			return nil
		}
	}
}

func (w *batch) hasFull() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}

// take gets the oldest chunk to write and gives the written one back; false when nothing waits.
func (w *batch) take() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cap(w.out) == flushBytes && len(w.free) < keepChunks {
		w.free = append(w.free, w.out[:0])
	}
	w.out, w.off = nil, 0
	switch {
	case len(w.queue) > 0:
		w.out = w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
	case len(w.cur) > 0:
		w.out, w.cur = w.cur, w.chunk()
	}
	return len(w.out) > 0
}

func (w *batch) written(n int) {
	w.mu.Lock()
	w.usedLocked(-n)
	w.mu.Unlock()
}

// wholeLines is how many of the bytes are whole lines.
func wholeLines(written []byte) int { return bytes.LastIndexByte(written, '\n') + 1 }

// renew reopens the sink. A line that was cut by a failed write is written whole again, into the new file.
func (w *batch) renew() error {
	if err := w.sink.Reopen(); err != nil {
		return err
	}
	if back := w.off - w.whole(w.out[:w.off]); w.off < len(w.out) && back > 0 {
		w.off -= back
		w.written(-back)
	}
	return nil
}

// Reopen has the file opened anew and reports how that went.
func (w *batch) Reopen(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case w.reopen <- answer:
		return <-answer
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reopen %s: writer is busy: %w", w.name, context.Cause(ctx))
	}
}

// Close writes what waits and closes the sink. When ctx ends first, the rest is given up and counted in the error.
func (w *batch) Close(ctx context.Context) error {
	w.mu.Lock()
	first := !w.ended
	w.ended = true
	w.mu.Unlock()
	if first {
		close(w.quit)
	}
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	left := w.waiting.Load()
	var err error
	if first {
		err = w.sink.Close()
	}
	if left > 0 {
		return fmt.Errorf("close %s: %d bytes could not be written and are lost", w.name, left)
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", w.name, err)
	}
	return nil
}
