package originlog

import (
	"cmp"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Clock is how far the origin's clock is ahead of ours, as the lines that fit tell.
type Clock struct {
	Offset time.Duration
	Spread time.Duration // how far the pairs lie from it, in the middle; what remains unknown
	Pairs  int           // of a line and a connection that it was estimated from; 0: taken to be equal
}

// candidate is a connection that a line may be about: if it is, the offset lies between least and most.
type candidate struct {
	conn        int
	least, most time.Duration
	local       bool // the line names no zone: it may be off by one
	request     int  // number of the request that it was found by, 0 where the port said it
	exact       bool // the line has the port, or the request's own query
	about       time.Time
}

// fits reports whether c is about its connection by a clock.
func (c *candidate) fits(k Clock) bool {
	return c.least-slack <= k.Offset && k.Offset <= c.most+slack
}

const (
	believable = 5 * time.Minute   // an offset up to this is taken from a single pair
	close      = 5 * time.Second   // up to this even where the connection's port is busy in the log
	enough     = 3                 // pairs that must agree on a larger one
	afterwards = 200 * time.Second // how long after what was watched of a connection the origin may still log about it
	mostPairs  = 1_000_000         // candidates that are weighed; lines without a port beyond them are left out
	mostOfOne  = 500               // lines about one connection
	zones      = 15 * time.Minute  // by which times without a zone may differ
	mostAlike  = 1000              // requests with one method and path that are told apart by time
)

// candidates are the connections that e may be about.
func (j *joiner) candidates(e *Entry) []candidate {
	if e.From.Port() != 0 {
		var out []candidate
		for _, i := range j.byPort[e.From] {
			if !e.access() || !j.strange(e, i) {
				out = append(out, j.ofConn(e, i))
			}
		}
		return out
	}
	var out []candidate // an address alone says nothing: other connections of that client may not be among ours
	if e.Method == "" || e.Target == "" {
		return nil
	}
	alike := j.byLine[key(e.Method, e.Target)]
	if len(alike) > mostAlike {
		return nil
	}
	for _, r := range alike {
		if r.status != 0 && e.Status != 0 && r.status != e.Status {
			continue
		}
		from := e.From.Addr()
		if from.IsValid() && j.addrs[from] && j.conns[r.conn].Client.Addr() != from {
			continue
		}
		c := j.moment(e, &r)
		c.request, c.exact = r.number, e.Target == r.target
		out = append(out, c)
	}
	return out
}

// strange reports whether e is of a request that connection i did not bear, all of whose requests were read: a port in an access log
// may be what a visitor wrote, where the log has X-Forwarded-For in the place of the client.
func (j *joiner) strange(e *Entry, i int) bool {
	read := false
	for n := range j.conns[i].Facts {
		switch j.conns[i].Facts[n].Kind {
		case fact.TCPMidstream, fact.TCPGap, fact.TLSRecordLost, fact.TLSUndecryptable:
			return false
		case fact.RequestHead:
			read = true
		}
	}
	return read && !slices.ContainsFunc(j.byLine[key(e.Method, e.Target)], func(r request) bool {
		return r.conn == i && (r.status == 0 || e.Status == 0 || r.status == e.Status)
	})
}

// access reports whether e is of an access log.
func (e *Entry) access() bool {
	return e.Format == Access || e.Format == ApacheAccess || e.Format == NginxAccess
}

// ofConn is the candidate of a line about connection i: about one of its requests, where that can be told.
func (j *joiner) ofConn(e *Entry, i int) candidate {
	var only *request
	same := j.byLine[key(e.Method, e.Target)]
	for n := range same {
		r := &same[n]
		if r.conn != i || r.status != 0 && e.Status != 0 && r.status != e.Status || e.Method == "" {
			continue
		}
		if only != nil {
			return j.during(e, i)
		}
		only = r
	}
	if only == nil || e.When == During {
		return j.during(e, i)
	}
	c := j.moment(e, only)
	c.exact = true
	return c
}

// during is the candidate of a line that was written at any time of connection i, or a little later.
func (j *joiner) during(e *Entry, i int) candidate {
	c := &j.conns[i]
	end := c.End
	if !ended(c) {
		end = end.Add(afterwards)
	} else {
		end = end.Add(second)
	}
	early, late := resolution(e)
	from := c.Start
	if e.When == Ended && e.Took > 0 { // what took that long cannot be over sooner
		from = from.Add(min(time.Duration(e.Took), c.End.Sub(c.Start)))
	}
	return candidate{conn: i, least: e.At.Add(early).Sub(end), most: e.At.Add(late).Sub(from), local: e.local(), exact: true, about: c.Start}
}

// moment is the candidate of a line about a request that was seen.
func (j *joiner) moment(e *Entry, r *request) candidate {
	early, late := resolution(e)
	from, to := r.began, r.ended
	at := e.At
	switch {
	case e.When == Began:
		to = from
	case to.IsZero() && e.Took > 0: // by its length it began then, however late it was over
		at, to = at.Add(-time.Duration(e.Took)), from
	case to.IsZero() && e.From.Port() == 0: // a later one is of somebody else who asked for the same
		to = j.conns[r.conn].End.Add(second)
	case to.IsZero():
		to = j.conns[r.conn].End.Add(afterwards)
	case e.When == Ended:
		from = to
	}
	about := r.ended
	if e.When == Began {
		about = from
	} else if about.IsZero() {
		about = j.conns[r.conn].End
	}
	return candidate{conn: r.conn, least: at.Add(early).Sub(to), most: at.Add(late).Sub(from), local: e.local(), about: about}
}

// resolution is where within a second a time that names no fraction may lie.
func resolution(e *Entry) (early, late time.Duration) {
	if e.Fine {
		return 0, 0
	}
	return 0, second
}

// ended reports whether the end of a connection was seen.
func ended(c *Conn) bool {
	return slices.ContainsFunc(c.Facts, func(x fact.Fact) bool { return x.Kind == fact.TCPReset || x.Kind == fact.TCPClosed })
}

// estimate is the offset that most candidates allow; between two that as many allow, the smaller. A large one must be borne out by
// several connections: a port of today may have been another client's yesterday.
// On one machine it is none, but for a zone that the lines do not name.
func estimate(all []candidate, same bool) Clock {
	var edges []edge
	for _, c := range all {
		edges = append(edges, edge{c.least - slack, 1, c.conn, c.local}, edge{c.most + slack, -1, c.conn, c.local})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.open, a.open)) })
	best, busy := Clock{}, busyConns(all)
	depth, open, zoned := map[int]int{}, 0, 0 // candidates of a connection, connections, candidates with a zone
	for i, e := range edges {
		if !e.local {
			zoned += e.open
		}
		if depth[e.conn] += e.open; e.open > 0 && depth[e.conn] == 1 {
			open++
		} else if e.open < 0 && depth[e.conn] == 0 {
			open--
		}
		if e.open < 0 || i+1 == len(edges) {
			continue
		}
		at, likely := within(e.at, edges[i+1].at, zoned == 0)
		if same && at.Abs() > slack && !(zoned == 0 && at == at.Round(zones)) || open < enough && (!likely || busy[e.conn] && at.Abs() > close) || open < best.Pairs || open == best.Pairs && at.Abs() >= best.Offset.Abs() {
			continue
		}
		best = Clock{Offset: at, Pairs: open}
	}
	return best.refined(all, same)
}

// busyConns are the connections whose candidates lie far from one another: their ports, or their requests, come again and again.
func busyConns(all []candidate) map[int]bool {
	first, last := map[int]time.Duration{}, map[int]time.Duration{}
	busy := map[int]bool{}
	for _, c := range all {
		if _, seen := first[c.conn]; !seen {
			first[c.conn], last[c.conn] = c.least, c.least
		}
		first[c.conn], last[c.conn] = min(first[c.conn], c.least), max(last[c.conn], c.least)
		busy[c.conn] = last[c.conn]-first[c.conn] > 2*afterwards
	}
	return busy
}

// edge is where the offsets that a candidate allows begin or end.
type edge struct {
	at    time.Duration
	open  int // 1, or -1
	conn  int
	local bool
}

// within is the offset between two that is likeliest, and whether a single pair may bear it out: none, one that differs by a zone where
// times name none, a small one.
func within(from, to time.Duration, local bool) (at time.Duration, likely bool) {
	if from <= 0 && to >= 0 {
		return 0, true
	}
	at = from + (to-from)/2
	const furthest = 14 * time.Hour
	if zone := at.Round(zones); local && zone.Abs() <= furthest && from <= zone && zone <= to {
		return zone, true
	}
	return at, at.Abs() <= believable
}

// local reports whether the time of e names no zone.
func (e *Entry) local() bool { return e.Format == ApacheError || e.Format == NginxError }

// refined puts the offset into the middle of what the candidates that fit allow. One that may be zero stays zero.
func (k Clock) refined(all []candidate, same bool) Clock {
	if k.Pairs == 0 {
		return k
	}
	if same || k.Offset == 0 && !slices.ContainsFunc(all, func(c candidate) bool { return c.fits(k) && (c.least > 0 || c.most < 0) }) {
		return k
	}
	var middles []time.Duration
	for _, c := range all {
		if c.fits(k) && c.most-c.least <= 2*second {
			middles = append(middles, c.least+(c.most-c.least)/2)
		}
	}
	if len(middles) == 0 {
		return k
	}
	slices.Sort(middles)
	offset := middles[len(middles)/2]
	for i := range middles {
		middles[i] = (middles[i] - offset).Abs()
	}
	slices.Sort(middles)
	return Clock{Offset: offset, Spread: middles[len(middles)/2], Pairs: k.Pairs}
}
