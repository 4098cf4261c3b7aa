package flight

import (
	"log/slog"
	"sync"
)

// blockSize is what memory is given out in, bytes: a page.
const blockSize = 4096

// leastChunk is what is had of the system at once, bytes.
const leastChunk = 64 * blockSize

// page is a block of the arena. It is no memory of Go's: nothing moves it, copies it or frees it.
type page = [blockSize]byte

// arena gives out pages within a limit, the one that came back last first: its lines may still be in a cache.
type arena struct {
	chunk int // bytes
	most  int // pages
	log   *slog.Logger

	mu       sync.Mutex
	chunks   [][]byte
	free     []*page
	had      int // pages of all chunks
	out      int // pages that are given out
	sharers  int // sites that have some
	unlocked bool
	shut     bool
}

func newArena(limit int64, log *slog.Logger) *arena {
	most := int(max(limit/blockSize, 1))
	chunk := max(leastChunk, most/16384*blockSize) // few enough for what one process may map
	return &arena{most: most, chunk: chunk, log: log}
}

// take gives out a page full of zeros to s; nil where the limit is reached or the system gives no more.
func (a *arena) take(s *share) *page {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shut || len(a.free) == 0 && !a.grow() {
		return nil
	}
	last := len(a.free) - 1
	p := a.free[last]
	a.free = a.free[:last]
	a.out++
	if s.pages.Add(1) == 1 {
		a.sharers++
	}
	return p
}

// grow gets another chunk; a.mu is held.
func (a *arena) grow() bool {
	n := min(a.chunk, (a.most-a.had)*blockSize)
	if n <= 0 {
		return false
	}
	mem, lockErr, err := mapChunk(n)
	if err != nil {
		a.most = a.had // asking again and again would cost traffic time
		a.log.Warn("flight recorder: the system gives no more memory; further connections are recorded without their bytes",
			"have_bytes", a.had*blockSize, "error", err)
		return false
	}
	if lockErr != nil && !a.unlocked {
		a.unlocked = true
		a.log.Warn("flight recorder: cannot lock memory, so bytes and secrets of connections may be swapped out; raise LimitMEMLOCK (ulimit -l) to flight_memory, or encrypt swap",
			"locked_bytes", a.had*blockSize, "error", lockErr)
	}
	a.chunks = append(a.chunks, mem)
	a.had += n / blockSize
	if cap(a.free) < a.had {
		free := make([]*page, len(a.free), max(2*cap(a.free), a.had))
		copy(free, a.free)
		a.free = free
	}
	for i := n - blockSize; i >= 0; i -= blockSize {
		a.free = append(a.free, (*page)(mem[i:i+blockSize]))
	}
	return true
}

// fair is how many pages each site may have that has some, s among them, when all want more than that.
func (a *arena) fair(s *share) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.sharers
	if s.pages.Load() == 0 {
		n++
	}
	return int64(a.most / max(n, 1))
}

// give takes pages of s back, wiped.
func (a *arena) give(s *share, pages ...*page) {
	if len(pages) == 0 {
		return
	}
	for _, p := range pages {
		clear(p[:])
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shut {
		return
	}
	a.free = append(a.free, pages...)
	a.out -= len(pages)
	if s.pages.Add(-int64(len(pages))) == 0 {
		a.sharers--
	}
}

// stop ends the giving out.
func (a *arena) stop() {
	a.mu.Lock()
	a.shut = true
	a.mu.Unlock()
}

// close gives all memory back to the system. No page may be in use any more.
func (a *arena) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shut, a.free, a.out = true, nil, 0
	for _, c := range a.chunks {
		clear(c)
		unmapChunk(c)
	}
	a.chunks = nil
}

func (a *arena) stats() (used int64, locked bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int64(a.out) * blockSize, canLock && !a.unlocked
}
