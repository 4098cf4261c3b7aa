package match

import "unicode/utf8"

// beyond is the class of a byte that begins a character outside ASCII: its class is looked up.
const beyond = 255

// before returns the kind of what stands before value[at].
func before(value string, at int) int {
	if at == 0 {
		return kindText
	}
	return kindOf(value[at-1])
}

// matches reports whether the pattern occurs in value.
func (d *dfa) matches(value string) bool { return d.goOn(value, 0, d.start[kindText]) }

// run goes on in value from at in state s, until the pattern has matched (state 0), or nothing has begun at or behind least, or the value ends.
func (d *dfa) run(value string, at, least int, s uint32) (int, uint32) {
	if d.wide != nil {
		return some(d, d.wide, value, at, least, s)
	}
	return some(d, d.next, value, at, least, s)
}

// over steps over a character outside ASCII.
func (d *dfa) over(value string, at int) (class uint32, n int) {
	r, n := utf8.DecodeRuneInString(value[at:])
	return uint32(d.lookup(r)), n
}

// goOn is matches from a place on, in the state that led there.
func (d *dfa) goOn(value string, at int, s uint32) bool {
	if d.wide != nil {
		return rest(d, d.wide, value, at, s)
	}
	return rest(d, d.next, value, at, s)
}

func rest[T uint16 | uint32](d *dfa, next []T, value string, i int, s uint32) bool {
	for i < len(value) {
		c := uint32(d.ascii[value[i]])
		i++
		if c == beyond {
			n := 0
			c, n = d.over(value, i-1)
			i += n - 1
		}
		if s = uint32(next[s+c]); s >= d.special {
			continue
		}
		if s < d.wins || s == d.dead {
			return s < d.wins
		}
		from := i
		for i < len(value) && !d.leaves[value[i]] {
			i++
		}
		if i > from {
			s = d.start[kindOf(value[i-1])]
		}
	}
	return d.final[s/d.stride]
}

func some[T uint16 | uint32](d *dfa, next []T, value string, i, least int, s uint32) (int, uint32) {
	for i < len(value) {
		c := uint32(d.ascii[value[i]])
		i++
		if c == beyond {
			n := 0
			c, n = d.over(value, i-1)
			i += n - 1
		}
		s = uint32(next[s+c])
		if s < d.special && (s == 0 || i >= least) {
			return i, s
		}
	}
	return i, s
}

// here reports whether a match begins at a place. It returns the bytes that it had to read.
func (d *dfa) here(value string, at int) (read int, ok bool) {
	s, i := d.start[before(value, at)], at
	for i < len(value) && s >= d.wins && s != d.dead {
		c := uint32(d.ascii[value[i]])
		i++
		if c == beyond {
			n := 0
			c, n = d.over(value, i-1)
			i += n - 1
		}
		s = d.to(s, c)
	}
	return i - at, s < d.wins || i == len(value) && d.final[s/d.stride]
}

// pair reports whether what p matches stands in value directly before what q does. ok is false where that was not found out with
// the reading that may be done.
func pair(p, q *dfa, value string, reads int) (matched, ok bool) {
	s := p.start[kindText]
	for i := 0; i < len(value); {
		c := uint32(p.ascii[value[i]])
		i++
		if c == beyond {
			n := 0
			c, n = p.over(value, i-1)
			i += n - 1
		}
		if s = p.to(s, c); s >= p.special {
			continue
		}
		if s == p.dead {
			return false, true
		}
		if s < p.wins {
			n, found := q.here(value, i)
			if found {
				return true, true
			}
			if reads -= n; reads < 0 {
				return false, false
			}
		}
	}
	return false, true
}

// last returns the last place before the end of the earliest match where nothing had begun, in a value that matches: no match begins before it. end is
// where the earliest match ends.
func (d *dfa) last(value string, from int) (idle, end int, ok bool) {
	s := d.start[before(value, from)]
	idle = from
	for i := from; i < len(value); {
		at := i
		i, s = d.run(value, at, at, s)
		switch {
		case s == 0:
			return idle, i, true
		case s == d.dead:
			return idle, i, false
		case s < d.special && i < len(value):
			idle = i
		}
	}
	return idle, len(value), d.final[s/d.stride]
}

// align moves at back to where a character begins.
func align(value string, at int) int {
	if at >= len(value) || at == 0 || value[at] < 0x80 || utf8.RuneStart(value[at]) {
		return at
	}
	for back := 1; back < utf8.UTFMax && at-back >= 0; back++ {
		if utf8.RuneStart(value[at-back]) {
			if _, n := utf8.DecodeRuneInString(value[at-back:]); n > back {
				return at - back
			}
			return at
		}
	}
	return at
}
