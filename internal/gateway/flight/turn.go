package flight

import (
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// turn is whose turn it is in one exchange.
type turn struct {
	x     *exchange.Exchange // tells exchanges apart, and is not looked into
	whose exchange.Turn
	since int64 // nanoseconds since the Unix epoch, by the recorder's clock
	told  int64 // the beginning of the silence that was reported; 0: none was

	id, method, path string
	begun            time.Time
}

// awaits reports whether it is the origin's turn.
func awaits(whose exchange.Turn) bool {
	return whose == exchange.TurnOrigin || whose == exchange.TurnTaking
}

// Turn implements exchange.Tape.
func (t *tape) Turn(x *exchange.Exchange, whose exchange.Turn) {
	if !t.looks || x == nil || x.ID == "" {
		return
	}
	now := t.r.clock.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	for i := range t.turns {
		n := &t.turns[i]
		if n.x != x {
			continue
		}
		if whose == exchange.TurnOver {
			last := len(t.turns) - 1
			if i < last {
				*n = t.turns[last]
			}
			t.turns[last] = turn{}
			t.turns = t.turns[:last]
			return
		}
		if n.whose = whose; awaits(whose) {
			n.since = now
		}
		return
	}
	if awaits(whose) {
		t.turns = append(t.turns, newTurn(x, whose, now))
	}
}

func newTurn(x *exchange.Exchange, whose exchange.Turn, now int64) turn {
	n := turn{x: x, whose: whose, since: now, id: x.ID, method: x.Request.Method, path: x.Request.Path}
	if last := len(x.Attempts) - 1; last >= 0 {
		n.begun = x.Attempts[last].Start
	}
	return n
}

// stalls appends what stalls at now and was not told yet. Silences count from floor on.
func (t *tape) stalls(out []Stall, now, floor int64) []Stall {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.turns {
		n := &t.turns[i]
		if !awaits(n.whose) {
			continue
		}
		since := n.since
		if len(t.turns) == 1 { // else what crosses may be about another exchange
			since = max(since, t.lanes[0].last, t.lanes[1].last)
		}
		if max(since, floor)+t.set.StallAfter.Nanoseconds() > now || n.told == since {
			continue
		}
		n.told = since
		out = append(out, Stall{
			Tape: t, Site: t.set.Site, Request: n.id, URL: t.about.URL, Method: strings.Clone(n.method), Path: strings.Clone(n.path),
			Begun: n.begun, Since: time.Unix(0, since), Writing: n.whose == exchange.TurnTaking,
		})
	}
	return out
}

// lasts reports whether s, which was found a while ago, goes on.
func (t *tape) lasts(s *Stall) bool {
	since := s.Since.UnixNano()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.turns {
		if n := &t.turns[i]; n.id == s.Request && n.told == since {
			heard := len(t.turns) == 1 && max(t.lanes[0].last, t.lanes[1].last) > since
			return awaits(n.whose) && n.since <= since && !heard
		}
	}
	return false
}
