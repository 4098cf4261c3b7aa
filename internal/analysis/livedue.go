package analysis

import (
	"container/heap"
	"context"
	"encoding/hex"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Run judges what is due, by the clock of the machine, until ctx ends. Close is called afterwards.
func (l *Live) Run(ctx context.Context) {
	const often, late = 100 * time.Millisecond, 200 * time.Millisecond // late: packets may still lie with the kernel
	t := time.NewTicker(often)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			l.advance(ctx, now.Add(-late).UnixNano())
		}
	}
}

// Advance judges what is due at a time, in nanoseconds since the Unix epoch. A time before that of the last packet counts as that.
func (l *Live) Advance(now int64) { l.advance(context.Background(), now) }

func (l *Live) advance(ctx context.Context, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = max(l.now, now)
	l.wake()
	for ctx.Err() == nil && len(l.due) > 0 && l.due[0].due <= l.now {
		l.look(l.due[0])
	}
}

// Close judges what was not judged as it stands, as the end of a capture would be, and forgets everything.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake()
	all := make([]*liveConn, len(l.due))
	copy(all, l.due)
	for _, c := range all { // so that each has all the others beside it
		if c.place >= 0 && !c.released {
			l.judgeConn(c, false)
		}
	}
	for _, c := range all {
		if c.place >= 0 && !c.released {
			l.judgeBeside(c)
			l.drop(c)
		}
	}
}

// look does what is due for c, and sets when it is due again.
func (l *Live) look(c *liveConn) {
	quiet := l.now - c.heard
	var again int64
	switch {
	case c.ended && c.dirty, c.opened, c.gone && c.dirty:
		l.judgeConn(c, !c.ended)
		again = c.at + int64(l.cfg.Keep)
	case c.gone, c.ended && l.now-c.at >= int64(l.cfg.Keep):
		l.judgeBeside(c)
		l.drop(c)
		return
	case c.ended:
		again = c.at + int64(l.cfg.Keep)
	case quiet >= int64(l.cfg.StallAfter):
		again = l.silent(c, quiet)
	default:
		again = l.busy(c)
	}
	if c.place < 0 || c.released {
		return
	}
	if c.due = again; c.gone {
		c.due = l.now
	}
	heap.Fix(&l.due, c.place)
}

// silent looks at a connection on which nothing was said for a while: at once, and where somebody owes something again as it grows.
func (l *Live) silent(c *liveConn, quiet int64) int64 {
	if c.dirty || c.stalled {
		l.judgeConn(c, true)
		c.quiet++
	}
	if !c.stalled {
		return l.now + rarely
	}
	return l.now + 3*quiet
}

// busy looks at a connection that goes on, the more seldom the more is kept of it.
func (l *Live) busy(c *liveConn) int64 {
	every := int64(l.cfg.Again) * int64(1+c.kept.size/largeChunk)
	since := max(c.judged, c.start)
	if c.dirty && l.now-since >= every {
		l.judgeConn(c, true)
		since = c.judged
	}
	return max(l.now+1, min(c.heard+int64(l.cfg.StallAfter), since+every))
}

// drop forgets c, wherever it is.
func (l *Live) drop(c *liveConn) {
	if c.place >= 0 {
		heap.Remove(&l.due, c.place)
	}
	l.forget(c)
}

// wake makes due again what new secrets may open.
func (l *Live) wake() {
	known := l.cfg.Secrets.Generation()
	if known == l.known {
		return
	}
	l.known = known
	for c := range l.lacking {
		for _, r := range c.random {
			if hasSecret(l.cfg.Secrets, r) {
				c.opened = true
				delete(l.lacking, c)
				l.sooner(c, l.now)
				break
			}
		}
	}
}

func hasSecret(s *secrets.Store, random []byte) bool {
	return s.Master(random) != nil || s.PreMaster(random) != nil || s.Traffic(secrets.ClientTraffic, random) != nil || s.Traffic(secrets.ServerTraffic, random) != nil ||
		s.Traffic(secrets.ClientHandshakeTraffic, random) != nil
}

// lacks notes which secrets would open more of c.
func (l *Live) lacks(c *liveConn, flows []*flow.Flow) {
	c.random = nil
	for _, f := range flows {
		if !lacksSecrets(f) {
			continue
		}
		for i := range f.Facts {
			if h, ok := f.Facts[i].Detail.(*fact.ClientHello); ok && len(c.random) < 8 {
				if r, err := hex.DecodeString(h.Random); err == nil && !hasSecret(l.cfg.Secrets, r) {
					c.random = append(c.random, r)
				}
			}
		}
	}
	delete(l.lacking, c)
	if len(c.random) > 0 {
		l.lacking[c] = struct{}{}
	}
}
