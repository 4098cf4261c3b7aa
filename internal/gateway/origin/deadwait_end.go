package origin

import (
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// liveConns finds a connection by its id while it lasts, once it is ready for requests.
type liveConns struct {
	mu sync.Mutex
	m  map[uint64]*conn
}

func (l *liveConns) add(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil {
		l.m = map[uint64]*conn{}
	}
	l.m[c.id] = c
}

func (l *liveConns) remove(id uint64) {
	l.mu.Lock()
	delete(l.m, id)
	l.mu.Unlock()
}

func (l *liveConns) get(id uint64) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.m[id]
}

// End ends the attempt that the connection conn makes for the exchange request, as if a timer of the attempt had run out after a wait
// of that length: its record says why, and the fact that Lunette gave up bears the name dead_wait. It reports whether there was one;
// an attempt that is over, and one of another exchange, is not touched. It does not wait. For whoever judges a stall while it lasts.
func (o *Origin) End(conn uint64, request string, why *reason.Error, after time.Duration) bool {
	c := o.live.get(conn)
	if c == nil || request == "" || why == nil {
		return false
	}
	if c.h2 != nil {
		return c.h2.endStream(request, ending(why, after))
	}
	d := &c.dead
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.id != request || d.why.Load() != nil {
		return false
	}
	c.endLocked(why, after)
	return true
}

// endStream ends one stream; the connection goes on.
func (h *h2Conn) endStream(request string, r *reason.Error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		if s.x.ID == request && s.err == nil && !s.ended {
			s.cut = true
			s.failedLocked(r, false)
			return true
		}
	}
	return false
}
