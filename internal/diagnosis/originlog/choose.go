package originlog

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// several is a line that fits several requests.
type several struct {
	entry int
	fits  []*candidate
}

// fitting are the candidates that a line may be about: of those that fit the clock, those with the line's own query, and of these those of
// its very moment, where there are any.
func fitting(candidates []candidate, k Clock) []*candidate {
	var out []*candidate
	for i := range candidates {
		if candidates[i].fits(k) {
			out = append(out, &candidates[i])
		}
	}
	if len(out) < 2 {
		return out
	}
	best := slices.MaxFunc(out, func(a, b *candidate) int { return cmp.Compare(a.rank(k), b.rank(k)) }).rank(k)
	return slices.DeleteFunc(out, func(c *candidate) bool { return c.rank(k) < best })
}

// rank is how well a candidate that fits does so.
func (c *candidate) rank(k Clock) int {
	out := 0
	if c.exact {
		out += 2
	}
	if c.least <= k.Offset && k.Offset <= c.most { // without slack
		out++
	}
	return out
}

// inOrder joins lines that say the same to as many requests that are alike: those of a request that was tried again at once. Which of
// them is which makes no difference, and a log is in order.
func inOrder(entries []Entry, open []several, chosen []*candidate) {
	alike := map[string][]several{}
	for _, s := range open {
		e := &entries[s.entry]
		key := strings.Join([]string{e.Format, e.Code, e.Method, e.Target, e.At.Format(time.RFC3339)}, "\x00")
		alike[key] = append(alike[key], s)
	}
	for _, group := range alike {
		first := group[0].fits
		same := len(group) == len(first) && first[0].request > 0 && !slices.ContainsFunc(group, func(s several) bool {
			return !slices.EqualFunc(s.fits, first, func(a, b *candidate) bool { return a.request == b.request })
		})
		if !same {
			continue
		}
		order := slices.Clone(first)
		slices.SortStableFunc(order, func(a, b *candidate) int { return cmp.Compare(a.request, b.request) })
		for i, s := range group {
			at := slices.IndexFunc(s.fits, func(c *candidate) bool { return c.request == order[i].request })
			chosen[s.entry] = s.fits[at]
		}
	}
}

// claim is how well the best lines about a request fit it, and how many do so well.
type claim struct{ rank, lines int }

// takes reports whether a line is among those that a log writes about one request.
func (c claim) takes(e *Entry, rank int) bool { return rank == c.rank && c.lines <= most(e) }

// rank finds, for each request, the lines that fit it best.
func rank(entries []Entry, chosen []*candidate, k Clock) map[place]claim {
	out := map[place]claim{}
	for i, c := range chosen {
		if c == nil {
			continue
		}
		p, r := place{c.request, entries[i].Format}, c.rank(k)
		switch had := out[p]; {
		case had.lines == 0 || r > had.rank:
			out[p] = claim{r, 1}
		case r == had.rank:
			out[p] = claim{r, had.lines + 1}
		}
	}
	return out
}

// inSecond is the likeliest moment within the second that begins at: that of which the line tells, else not before the connection began.
func inSecond(at, start, about time.Time) time.Time {
	end := at.Add(second)
	switch {
	case !about.Before(at) && about.Before(end):
		return about
	case start.After(at) && start.Before(end):
		return start
	}
	return at
}

// sameMachine reports whether all connections lead to this machine.
func sameMachine(conns []Conn) bool {
	return len(conns) > 0 && !slices.ContainsFunc(conns, func(c Conn) bool {
		return !c.Server.IsValid() || !c.Server.Addr().IsLoopback() && c.Server.Addr() != c.Client.Addr()
	})
}
