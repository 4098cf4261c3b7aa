package profile

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are counted in buckets, eight to an octave: the longest of one is at most an eighth more than the shortest.
const (
	buckets    = 224
	firstOctet = 13 // 8.192 µs: what is shorter counts as that
)

// bucketOf is the bucket of d.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	top := bits.Len64(n)
	if top <= firstOctet {
		return 0
	}
	return min((top-1-firstOctet)*8+int(n>>(top-4)&7)+1, buckets-1)
}

// upTo is the longest duration of a bucket.
func upTo(bucket int) time.Duration {
	if bucket == 0 {
		return 1 << firstOctet
	}
	octave, eighth := (bucket-1)/8, (bucket-1)%8
	return time.Duration(uint64(9+eighth) << (firstOctet + octave - 3))
}

// from is the shortest duration of a bucket.
func from(bucket int) time.Duration {
	if bucket == 0 {
		return 0
	}
	return upTo(bucket - 1)
}

// histogram counts durations. About the newest thousands count: see decay.
type histogram [buckets]atomic.Uint32

func (h *histogram) add(d time.Duration) { h[bucketOf(d)].Add(1) }

// sum is how many there are.
func (h *histogram) sum() (n uint64) {
	for i := range h {
		n += uint64(h[i].Load())
	}
	return n
}

// decay halves the counts once there are more than most.
func (h *histogram) decay(most uint64) {
	if h.sum() <= most {
		return
	}
	for i := range h {
		if n := h[i].Load(); n > 0 {
			h[i].Add(-((n + 1) / 2))
		}
	}
}

func (h *histogram) clear() {
	for i := range h {
		h[i].Store(0)
	}
}

// at is the duration that permille of 1000 do not exceed; 0 without any.
func (h *histogram) at(permille uint64) time.Duration {
	total := h.sum()
	if total == 0 {
		return 0
	}
	want, n := max((total*permille+999)/1000, 1), uint64(0)
	for i := range h {
		if n += uint64(h[i].Load()); n >= want {
			return upTo(i)
		}
	}
	return upTo(buckets - 1)
}

// counts are the counts by bucket, without zeros at the end; put takes them back.
func (h *histogram) counts() []uint32 {
	out, last := make([]uint32, buckets), 0
	for i := range h {
		if out[i] = h[i].Load(); out[i] > 0 {
			last = i + 1
		}
	}
	return out[:last]
}

func (h *histogram) put(counts []uint32) {
	for i := range min(len(counts), buckets) {
		h[i].Store(min(counts[i], 1<<20))
	}
}

// What is slow.
const (
	slowAtLeast   = time.Second
	learnedFrom   = 64   // first bytes that must have been seen before one is called slow
	settledFrom   = 256  // from then on the baseline rises slowly
	rememberFirst = 4096 // first bytes; then the older half fades
	judgeEvery    = 64   // attempts
	doubleEvery   = 10 * time.Minute
)

// baseline is how soon an origin usually answers.
type baseline struct {
	first histogram
	// What counts as usual, in nanoseconds; 0 while too little is known. Both fall at once and double at most every ten minutes: an origin that
	// has become slow is not usual the moment after.
	median, high atomic.Int64
	raised       time.Time // when the two were last raised; of whoever judges
}

// slow reports whether d is slow for this origin: factor times the median, beyond what one in a hundred takes, and over a second.
func (b *baseline) slow(d time.Duration, factor int) bool {
	if d <= slowAtLeast || factor <= 0 {
		return false
	}
	median, high := b.median.Load(), b.high.Load()
	return median > 0 && int64(d)/int64(factor) > median && int64(d) > high
}

// judge works out what is usual.
func (b *baseline) judge(now time.Time) {
	b.first.decay(rememberFirst)
	n := b.first.sum()
	if n < learnedFrom {
		return
	}
	median, high := int64(b.first.at(500)), int64(b.first.at(990))
	if was, wasHigh := b.median.Load(), b.high.Load(); was > 0 && n >= settledFrom && (median > was || high > wasHigh) {
		if now.Sub(b.raised) < doubleEvery {
			median, high = min(median, was), min(high, wasHigh)
		} else {
			median, high = min(median, 2*was), min(high, 2*wasHigh)
			b.raised = now
		}
	}
	b.median.Store(median)
	b.high.Store(high)
}
