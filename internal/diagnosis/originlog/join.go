package originlog

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Conn is a connection as its facts tell of it.
type Conn struct {
	ID     uint64
	Client netip.AddrPort
	Server netip.AddrPort // where it is this machine, its clock is ours
	Start  time.Time
	End    time.Time // of what was watched
	Facts  []fact.Fact
}

// Joined is what Join found.
type Joined struct {
	Facts     [][]fact.Fact // for each connection the lines about it, in order of time
	Clock     Clock
	Lines     int // that were joined
	Ambiguous int // that fit several connections
	Foreign   int // that fit none
	Beyond    int // about a connection of which there were enough
}

// Slack of times: what a clock of seconds hides, and what a line may lag behind.
const (
	second = time.Second
	slack  = 1500 * time.Millisecond
)

// Join says which lines are about which connections. Lines with the client's port are joined by it, where the time agrees with what
// all others say of the origin's clock; those without by method, target, status and time, where no second connection fits: the same query
// beats the path alone, and a line of that very moment one that may be late.
func Join(conns []Conn, entries []Entry) *Joined {
	j := newJoiner(conns)
	out := &Joined{Facts: make([][]fact.Fact, len(conns))}
	candidates := make([][]candidate, len(entries))
	var all []candidate
	for i := range entries {
		if len(all) > mostPairs && entries[i].From.Port() == 0 {
			continue
		}
		candidates[i] = j.candidates(&entries[i])
		all = append(all, candidates[i]...)
	}
	out.Clock = estimate(all, sameMachine(conns))
	chosen := make([]*candidate, len(entries))
	var open []several // lines that fit several requests
	for i := range entries {
		left := fitting(candidates[i], out.Clock)
		switch len(left) {
		case 0:
			out.Foreign++
		case 1:
			chosen[i] = left[0]
		default:
			open = append(open, several{i, left})
		}
	}
	inOrder(entries, open, chosen)
	for _, s := range open {
		if chosen[s.entry] == nil {
			out.Ambiguous++
		}
	}
	best := rank(entries, chosen, out.Clock)
	for i, c := range chosen {
		switch {
		case c == nil:
		case c.request > 0 && !best[place{c.request, entries[i].Format}].takes(&entries[i], c.rank(out.Clock)):
			out.Ambiguous++ // of several clients who asked for the same
		default:
			out.Lines++
			x := entries[i].Fact(conns[c.conn].ID, out.Clock)
			if !entries[i].Fine { // it was at some time of that second
				x.At = inSecond(x.At, conns[c.conn].Start, c.about)
			}
			out.Facts[c.conn] = append(out.Facts[c.conn], x)
		}
	}
	for i, facts := range out.Facts {
		slices.SortStableFunc(facts, func(a, b fact.Fact) int { return a.At.Compare(b.At) })
		if beyond := len(facts) - mostOfOne; beyond > 0 { // the first tell how it began, the last how it ended
			out.Facts[i] = slices.Concat(facts[:mostOfOne/2], facts[mostOfOne/2+beyond:])
			out.Beyond, out.Lines = out.Beyond+beyond, out.Lines-beyond
		}
	}
	return out
}

// place is a request, in a log of one format.
type place struct {
	request int
	format  string
}

// most is how many lines a log writes about one request.
func most(e *Entry) int {
	if e.Format == ApacheError || e.Format == NginxError {
		return 4
	}
	return 1
}

// request is one of a connection, as its facts tell of it.
type request struct {
	conn         int
	target       string
	number       int // among all, from 1
	status       int
	began, ended time.Time // ended is zero where its end was not seen
}

type joiner struct {
	conns    []Conn
	byPort   map[netip.AddrPort][]int
	byLine   map[string][]request
	addrs    map[netip.Addr]bool
	requests int
}

func newJoiner(conns []Conn) *joiner {
	j := &joiner{conns: conns, byPort: map[netip.AddrPort][]int{}, byLine: map[string][]request{}, addrs: map[netip.Addr]bool{}}
	for i := range conns {
		j.byPort[conns[i].Client] = append(j.byPort[conns[i].Client], i)
		j.addrs[conns[i].Client.Addr()] = true
		j.learn(i)
	}
	return j
}

// Wanted is a Config.Keep that leaves out what cannot be about the connections: other ports, other requests, other days.
func Wanted(conns []Conn) func(*Entry) bool {
	j := newJoiner(conns)
	var from, to time.Time
	for i := range conns {
		if c := &conns[i]; i == 0 {
			from, to = c.Start, c.End
		} else {
			from, to = earlier(from, c.Start), later(to, c.End)
		}
	}
	const zone = 26 * time.Hour // that a time may be off by where the zone is not known
	return func(e *Entry) bool {
		around := zone
		if e.From.Port() == 0 && !e.local() {
			around = 3 * believable
		}
		switch {
		case e.At.Before(from.Add(-around)) || e.At.After(to.Add(around)):
			return false
		case e.From.Port() != 0:
			return len(j.byPort[e.From]) > 0
		}
		return e.Method != "" && len(j.byLine[key(e.Method, e.Target)]) > 0
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// learn takes note of the requests of connection i.
func (j *joiner) learn(i int) {
	open := map[uint32][]request{} // by stream, those without an answer
	keys := map[uint32][]string{}
	settle := func(stream uint32, status int, ended time.Time) {
		if len(open[stream]) == 0 {
			return
		}
		r := open[stream][0]
		r.status, r.ended = status, ended
		j.byLine[keys[stream][0]] = append(j.byLine[keys[stream][0]], r)
		open[stream], keys[stream] = open[stream][1:], keys[stream][1:]
	}
	facts := j.conns[i].Facts
	for n := range facts {
		x := &facts[n]
		h, ok := x.Detail.(*fact.HTTPHead)
		switch {
		case !ok:
		case x.Kind == fact.RequestHead:
			j.requests++
			open[h.Stream] = append(open[h.Stream], request{conn: i, number: j.requests, target: h.Target, began: x.At})
			keys[h.Stream] = append(keys[h.Stream], key(h.Method, h.Target))
		case x.Kind == fact.ResponseHead:
			settle(h.Stream, h.Status, endOf(facts, n))
		}
	}
	for stream := range open {
		for len(open[stream]) > 0 {
			settle(stream, 0, time.Time{})
		}
	}
}

// endOf is when the answer whose head is at index n was over, as far as was seen.
func endOf(facts []fact.Fact, n int) time.Time {
	for i := n + 1; i < len(facts); i++ {
		if k := facts[i].Kind; k == fact.ResponseDone {
			return facts[i].At
		} else if k == fact.ResponseHead || k == fact.RequestHead {
			break
		}
	}
	return facts[n].At
}

// key is what of a request both ends write alike: the method and the path.
func key(method, target string) string {
	path, _, _ := strings.Cut(target, "?")
	return method + " " + strings.ToLower(path)
}
