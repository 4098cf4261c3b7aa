// Package budget counts the memory that a run may hold, so that hostile input meets a bound before it meets the machine's.
//
// Input: bytes that somebody is about to keep, or has let go. Output: whether they may be kept. Promises: safe for
// concurrent use; a nil Budget has no bound. Non-goals: measuring real memory, waiting for room.
package budget

import "sync/atomic"

// Budget is a number of bytes that several parts share.
type Budget struct {
	limit int64
	used  atomic.Int64
	peak  atomic.Int64
}

// New returns a Budget of limit bytes; 0 and less mean no bound.
func New(limit int64) *Budget { return &Budget{limit: limit} }

// Take asks for n more bytes, n ≥ 0. False means that they are not there and nothing was taken.
func (b *Budget) Take(n int) bool {
	if b == nil {
		return true
	}
	used := b.used.Add(int64(n))
	if b.limit > 0 && used > b.limit {
		b.used.Add(-int64(n))
		return false
	}
	for {
		peak := b.peak.Load()
		if used <= peak || b.peak.CompareAndSwap(peak, used) {
			return true
		}
	}
}

// Give hands n bytes back.
func (b *Budget) Give(n int) {
	if b != nil {
		b.used.Add(-int64(n))
	}
}

// Used is how many bytes are taken now.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Peak is the most bytes that were taken at once.
func (b *Budget) Peak() int64 {
	if b == nil {
		return 0
	}
	return b.peak.Load()
}
