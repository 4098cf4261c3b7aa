package profile

import (
	"slices"
	"time"
)

// State is where a value of a Set stands.
type State string

// The states of a Member.
const (
	Current   State = "current"   // the origin has it
	Candidate State = "candidate" // seen of late; whether it replaces another one is not known yet
	Gone      State = "gone"      // others are seen instead of it
)

// Set is which values an origin shows for one thing, such as its certificates. Several may hold at once: servers behind one name.
type Set struct {
	Seen    uint64   `json:"seen"` // times that any value was seen
	Members []Member `json:"members,omitempty"`
}

// Member is one value of a Set.
type Member struct {
	Value string    `json:"value"`
	State State     `json:"state"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count uint64    `json:"count"` // times that it was seen

	Since     time.Time `json:"since"`             // when it came, or came back
	SinceSeen uint64    `json:"since_seen"`        // Set.Seen then
	LastSeen  uint64    `json:"last_seen"`         // Set.Seen when it was seen last
	Settled   bool      `json:"settled,omitempty"` // it is known to have replaced another one, or was the first
}

// How a value is known to be gone: it was missed so many times in a row.
const (
	missedSteady = 3 // where it was the only one, and seen often
	missedOften  = 8 // for each value that may be seen instead
	steadyCount  = 8
	freshFor     = 24 * time.Hour // how long one that came may have taken the place of one that goes
)

// see takes a sighting of value. ok says that it is known now that to has replaced from. A Set keeps at most most members.
func (s *Set) see(value string, now time.Time, most int) (from, to string, ok bool) {
	s.Seen++
	m := s.member(value, now, most)
	m.Count++
	m.Last, m.LastSeen = now, s.Seen
	if m.State == Current {
		s.join(m, now)
	}
	for i := range s.Members {
		o := &s.Members[i]
		if o.State != Current || s.Seen-o.LastSeen < s.patience(o) {
			continue
		}
		if c := s.heir(o, now); c != nil {
			c.State, c.Settled, o.State = Current, true, Gone
			return o.Value, c.Value, true
		}
		if s.count(Current) > 1 {
			o.State = Gone
		}
	}
	return "", "", false
}

// member is the member called value, new where there is none.
func (s *Set) member(value string, now time.Time, most int) *Member {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Value == value })
	if i < 0 {
		if len(s.Members) >= most {
			s.evict()
		}
		s.Members = append(s.Members, Member{Value: value, State: Gone, First: now})
		i = len(s.Members) - 1
	}
	m := &s.Members[i]
	if m.State == Gone {
		m.State, m.Settled, m.Since, m.SinceSeen = Candidate, false, now, s.Seen
		if s.count(Current) == 0 {
			m.State, m.Settled = Current, true
		}
	}
	return m
}

// evict forgets the member that was not seen for longest.
func (s *Set) evict() {
	oldest := 0
	for i := range s.Members {
		if s.Members[i].LastSeen < s.Members[oldest].LastSeen {
			oldest = i
		}
	}
	s.Members = slices.Delete(s.Members, oldest, oldest+1)
}

// join makes candidates current that came before m was seen once more: both are there.
func (s *Set) join(m *Member, now time.Time) {
	for i := range s.Members {
		if c := &s.Members[i]; c.State == Candidate && c.SinceSeen < m.LastSeen {
			c.State, c.Since = Current, now
		}
	}
}

// patience is how many sightings of others in a row make o gone.
func (s *Set) patience(o *Member) uint64 {
	n := s.count(Current)
	if n == 1 && o.Count >= steadyCount {
		return missedSteady
	}
	return uint64(missedOften * max(n, 1))
}

// heir is the newest member that may have taken the place of o, nil where none has.
func (s *Set) heir(o *Member, now time.Time) (heir *Member) {
	for i := range s.Members {
		c := &s.Members[i]
		if c == o || c.State == Gone || c.Settled || c.Since.Before(o.Since) || now.Sub(c.Since) > freshFor || c.LastSeen < o.LastSeen {
			continue
		}
		if heir == nil || c.SinceSeen > heir.SinceSeen {
			heir = c
		}
	}
	return heir
}

func (s *Set) count(st State) (n int) {
	for i := range s.Members {
		if s.Members[i].State == st {
			n++
		}
	}
	return n
}

// Values are the values that hold now, those that were seen most first.
func (s *Set) Values() []string {
	var now []Member
	for _, m := range s.Members {
		if m.State == Current {
			now = append(now, m)
		}
	}
	slices.SortStableFunc(now, func(a, b Member) int { return int(min(b.Count, 1<<40)) - int(min(a.Count, 1<<40)) })
	var out []string
	for _, m := range now {
		out = append(out, m.Value)
	}
	return out
}

// holds reports whether value is a member that is not gone.
func (s *Set) holds(value string) bool {
	return slices.ContainsFunc(s.Members, func(m Member) bool { return m.Value == value && m.State != Gone })
}
