package transform

import "unsafe"

// Sizes of an arena's chunks, in bytes.
const (
	firstChunk = 16 << 10
	keepChunk  = 1 << 20 // larger ones are given back at Reset
	keepTotal  = 4 << 20 // what an arena keeps through Reset, in all
)

// Arena holds the text that transformations make, until Reset. The zero value is ready. Not safe for concurrent use.
// It never moves bytes that it gave out: what it made stays as it is until Reset.
type Arena struct {
	chunks [][]byte
	at     int // the chunk in use
	used   int // bytes of it that are taken
}

// Reset frees all text that was made. Strings that Apply returned must not be used any more.
// Chunks above 1 MiB, and what is above 4 MiB in all, are given back.
func (a *Arena) Reset() {
	kept, total := a.chunks[:0], 0
	for _, c := range a.chunks {
		if len(c) <= keepChunk && total+len(c) <= keepTotal {
			kept = append(kept, c)
			total += len(c)
		}
	}
	clear(a.chunks[len(kept):])
	a.chunks, a.at, a.used = kept, 0, 0
}

// Grow returns n bytes of the arena, to be filled and then taken as a string. What they hold is left over from earlier use.
func (a *Arena) Grow(n int) []byte {
	b := a.reserve(n)
	a.used += n
	return b
}

// reserve returns n free bytes without taking them: commit takes those that were filled. Nothing else may be reserved in between.
func (a *Arena) reserve(n int) []byte {
	for a.at < len(a.chunks) {
		if c := a.chunks[a.at]; len(c)-a.used >= n {
			return c[a.used : a.used+n : a.used+n]
		}
		a.at++
		a.used = 0
	}
	return a.add(n)
}

// add makes a new chunk of at least n bytes and returns n of it. Sizes double, so that there are few chunks.
func (a *Arena) add(n int) []byte {
	size := firstChunk
	if k := len(a.chunks); k > 0 {
		size = min(2*len(a.chunks[k-1]), keepChunk)
	}
	c := make([]byte, max(size, n))
	a.chunks = append(a.chunks, c)
	a.at, a.used = len(a.chunks)-1, 0
	return c[:n:n]
}

// commit takes the first n bytes of what was reserved last, and returns them as a string.
func (a *Arena) commit(b []byte, n int) string {
	a.used += n
	return text(b[:n])
}

// text returns b as a string without a copy: nobody may write to b from then on.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// raw returns the bytes of s without a copy: nobody may write to them.
func raw(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
