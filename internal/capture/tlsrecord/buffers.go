package tlsrecord

import "github.com/lunette-waf/lunette/internal/tlswire"

// Buffers lends memory for records that come in pieces. Streams of one goroutine share one: each holds memory only while a record is
// under way, and no more than came of it. The zero value is ready.
type Buffers struct{ small, large [][]byte }

// Two sizes are enough: most records under way are either short or as long as may be.
const (
	smallLen = 2 << 10
	largeLen = tlswire.MaxRecordPayload
	maxFree  = 512 // of each size; what comes back beyond is left to the collector
)

// grow returns b, or a copy with room for n more bytes; len(b)+n is at most largeLen.
func (f *Buffers) grow(b []byte, n int) []byte {
	if len(b)+n <= cap(b) {
		return b
	}
	if len(b)+n <= smallLen {
		return append(take(&f.small, smallLen), b...)
	}
	bigger := append(take(&f.large, largeLen), b...)
	f.put(b)
	return bigger
}

func take(free *[][]byte, size int) []byte {
	if n := len(*free); n > 0 {
		b := (*free)[n-1]
		*free = (*free)[:n-1]
		return b
	}
	return make([]byte, 0, size)
}

// put takes b back.
func (f *Buffers) put(b []byte) {
	switch {
	case cap(b) == smallLen && len(f.small) < maxFree:
		f.small = append(f.small, b[:0])
	case cap(b) == largeLen && len(f.large) < maxFree:
		f.large = append(f.large, b[:0])
	}
}
