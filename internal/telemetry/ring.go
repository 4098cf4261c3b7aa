package telemetry

import "sync"

// ring keeps the newest records of blocked requests by id, bounded in number and bytes.
type ring struct {
	mu       sync.Mutex
	ids      []string // oldest at head, circular
	head, n  int
	lines    map[string][]byte
	bytes    int
	maxBytes int
}

const ringBytes = 4 << 20

func newRing(records int) *ring {
	return &ring{ids: make([]string, records), lines: make(map[string][]byte, records), maxBytes: ringBytes}
}

// put keeps line, which must not change any more.
func (r *ring) put(id string, line []byte) {
	if len(line) > r.maxBytes {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.lines[id]; twice {
		return
	}
	for r.n > 0 && (r.n == len(r.ids) || r.bytes+len(line) > r.maxBytes) {
		oldest := r.ids[r.head]
		r.bytes -= len(r.lines[oldest])
		delete(r.lines, oldest)
		r.ids[r.head] = ""
		r.head = (r.head + 1) % len(r.ids)
		r.n--
	}
	r.ids[(r.head+r.n)%len(r.ids)] = id
	r.n++
	r.lines[id] = line
	r.bytes += len(line)
}

func (r *ring) get(id string) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line, ok := r.lines[id]
	return line, ok
}
