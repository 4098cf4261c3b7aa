package listener

import (
	"sync"
	"time"
)

// watch looks whether the client of a running exchange is still there. Reading is the only way to learn that it left;
// so once an exchange takes long and nothing else reads, one byte is read ahead, on the timer's goroutine.
type watch struct {
	h     *h1
	timer *time.Timer // made with the first exchange that is watched, then used again

	mu      sync.Mutex
	ended   sync.Cond // reading became false
	serving bool      // an exchange runs
	live    bool      // and its request was read to its end
	reading bool
	touched bool // the read deadline was changed
	stopped bool // the deadline in the past is ours
}

func (w *watch) init(h *h1) {
	w.h = h
	w.ended.L = &w.mu
}

// begin says that an exchange runs: only then may anything be read ahead.
func (w *watch) begin() {
	w.mu.Lock()
	w.serving = true
	w.mu.Unlock()
}

// start watches from d on, once the request was read to its end; a negative d means never.
func (w *watch) start(d time.Duration) {
	if d < 0 || w.h.in.Buffered() > 0 || len(w.h.pending) > 0 { // a client that pipelines is there
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.serving {
		return
	}
	w.live = true
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.fire)
	} else {
		w.timer.Reset(d)
	}
}

func (w *watch) fire() {
	w.mu.Lock()
	if !w.live || w.reading {
		w.mu.Unlock()
		return
	}
	w.reading, w.touched = true, true
	_ = w.h.rw.SetReadDeadline(time.Time{})
	w.mu.Unlock()

	var one [1]byte
	n, err := w.h.rw.Read(one[:])

	w.mu.Lock()
	w.reading, w.live = false, false // once is all: a timer that was late, or one set anew, must not take a second byte
	switch {
	case n > 0:
		w.h.first = one
		w.h.pending = w.h.first[:1]
		w.h.whole = false
	case err != nil && !(w.stopped && isTimeout(err)):
		w.h.cancel(gone("while its request was served", err))
	}
	w.ended.Broadcast()
	w.mu.Unlock()
}

// stop ends the watching; afterwards the connection is the caller's alone.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving, w.live = false, false
	if w.timer != nil {
		w.timer.Stop()
	}
	if !w.touched {
		return
	}
	if w.reading {
		w.stopped = true
		_ = w.h.rw.SetReadDeadline(time.Unix(1, 0))
		for w.reading {
			w.ended.Wait()
		}
		w.stopped = false
	}
	w.touched = false
	w.h.readUntil = time.Time{}
	_ = w.h.rw.SetReadDeadline(time.Time{})
}
