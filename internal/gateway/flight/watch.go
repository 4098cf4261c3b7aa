package flight

import (
	"context"
	"time"
)

// Bounds of how long the watch rests between two looks.
const (
	longestPause  = 250 * time.Millisecond
	shortestPause = 10 * time.Millisecond
)

// quicken makes the watch look often enough for something that lasts so long.
func (r *Recorder) quicken(d time.Duration) {
	want := int64(max(d/10, shortestPause))
	for {
		have := r.pause.Load()
		if want >= have || r.pause.CompareAndSwap(have, want) {
			return
		}
	}
}

// watch wipes what ended long enough ago, until ctx ends.
func (r *Recorder) watch(ctx context.Context) {
	timer := time.NewTimer(longestPause)
	defer timer.Stop()
	last := time.Now()
	var w warning
	for {
		timer.Reset(time.Duration(r.pause.Load()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.kick:
		}
		now := time.Now()
		if jump := time.Duration(now.UnixNano()-last.UnixNano()) - now.Sub(last); jump.Abs() > time.Second {
			r.floor.Store(now.UnixNano()) // somebody set the clock: silences before that have no length
		}
		last = now
		r.clock.Store(now.UnixNano())
		r.sweep(now)
		r.warn(&w, now)
	}
}

// listen tells of stalls until ctx ends. Whoever hears of them may take long: that holds up the next ones, and nothing else.
func (r *Recorder) listen(ctx context.Context) {
	timer := time.NewTimer(longestPause)
	defer timer.Stop()
	for {
		timer.Reset(time.Duration(r.pause.Load()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			r.tellStalls(ctx, r.clock.Load(), r.floor.Load())
		}
	}
}

// sweep tells of connections that ended, and wipes those that ended Linger ago.
func (r *Recorder) sweep(now time.Time) {
	for _, t := range r.untold() {
		t.mu.Lock()
		rec := t.recording()
		t.mu.Unlock()
		r.tell(t, func() ArmedEvent { return ArmedEvent{Closed: true, Recording: rec} })
	}
	r.mu.Lock()
	n := len(r.shares)
	r.mu.Unlock()
	for i := range n {
		for t := r.due(i, now); t != nil; t = r.due(i, now) {
			t.mu.Lock()
			t.wipe()
			t.mu.Unlock()
		}
	}
}

// due takes out the first tape of a share that ended Linger ago; nil: there is none.
func (r *Recorder) due(i int, now time.Time) *tape {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &r.shares[i].ended
	if t := q.first(); t == nil || now.Sub(t.ended) < r.cfg.Linger {
		return nil
	}
	return q.pop()
}

// untold are the connections that ended since it was asked last, and that somebody armed.
func (r *Recorder) untold() (out []*tape) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shares {
		for _, t := range s.ended.fresh() {
			if r.watched(&t.set) {
				out = append(out, t)
			}
		}
	}
	return out
}

// tellStalls looks at all open tapes, some at a time: opening one must not wait for long.
func (r *Recorder) tellStalls(ctx context.Context, now, floor int64) {
	var batch [256]*tape
	var found []Stall
	for from := 0; ; from += len(batch) {
		r.mu.Lock()
		n := 0
		if from < len(r.open) {
			n = copy(batch[:], r.open[from:])
		}
		r.mu.Unlock()
		for _, t := range batch[:n] {
			found = t.stalls(found, now, floor)
		}
		if n < len(batch) {
			break
		}
	}
	for _, s := range found {
		if ctx.Err() != nil {
			return
		}
		if !s.Tape.(*tape).lasts(&s) {
			continue // those before it took long to tell
		}
		r.stalled.Add(1)
		r.cfg.Stalled(s)
	}
}

// queue holds tapes that are over, in the order in which they ended.
type queue struct {
	all  []*tape
	from int // before it they are gone
	told int // before it they were fresh once
}

func (q *queue) push(t *tape) {
	if q.from > 64 && q.from > len(q.all)/2 {
		n := copy(q.all, q.all[q.from:])
		clear(q.all[n:])
		q.all, q.told, q.from = q.all[:n], max(q.told-q.from, 0), 0
	}
	q.all = append(q.all, t)
}

// first is the oldest, nil without any.
func (q *queue) first() *tape {
	if q.from == len(q.all) {
		return nil
	}
	return q.all[q.from]
}

func (q *queue) pop() *tape {
	t := q.first()
	if t != nil {
		q.all[q.from] = nil
		q.from++
	}
	return t
}

// fresh are those that were pushed since the last call and not popped.
func (q *queue) fresh() []*tape {
	out := q.all[max(q.told, q.from):]
	q.told = len(q.all)
	return out
}
