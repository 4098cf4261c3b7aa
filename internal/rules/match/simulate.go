package match

import (
	"math/bits"
	"unicode/utf8"
)

// simulation runs an nfa that has too many states to be built beforehand: 64 positions at a time.
type simulation struct {
	*nfa
	has [][]uint64 // of each class: the positions that take it
}

// frames is the scratch space of a simulation.
type frames struct{ now, out, tried, next []uint64 }

func (f *frames) grow(n int) {
	if len(f.now) < n {
		f.now, f.out, f.tried, f.next = make([]uint64, n), make([]uint64, n), make([]uint64, n), make([]uint64, n)
	}
}

func newSimulation(n *nfa) *simulation {
	m := &simulation{nfa: n, has: make([][]uint64, n.n)}
	for c := range m.has {
		m.has[c] = make([]uint64, n.words)
	}
	for at, classes := range n.takes {
		for _, c := range classes {
			m.has[c][at>>6] |= 1 << (at & 63)
		}
	}
	return m
}

// run looks for a match in value from at, until there is one or nothing has begun at or behind least. It returns where it stopped.
func (m *simulation) run(x *frames, value string, at, least int) (end int, matched bool) {
	x.grow(m.words)
	now, out, tried, next := x.now[:m.words], x.out[:m.words], x.tried[:m.words], x.next[:m.words]
	kind := before(value, at)
	copy(now, m.start[kind])
	for at < len(value) {
		if now[m.words-1] != 0 {
			return at, true
		}
		c, n := uint32(m.ascii[value[at]]), 1
		if c == beyond {
			var r rune
			r, n = utf8.DecodeRuneInString(value[at:])
			c = uint32(m.lookup(r))
		}
		ahead := kindOf(value[at])
		if m.look {
			if m.resolve(now, kind, ahead, out, tried) != 0 {
				return at, true
			}
		} else {
			out = now
		}
		copy(next, m.start[ahead])
		m.advance(out, next, c, ahead)
		if !m.look {
			out = x.out[:m.words]
		}
		now, next = next, now
		kind, at = ahead, at+n
		if at >= least && equalWords(now, m.start[kind]) {
			return at, now[m.words-1] != 0
		}
	}
	return at, m.resolve(now, kind, kindText, out, tried) != 0
}

// advance adds to next what the positions in out lead to over class c, which is of a kind.
func (m *simulation) advance(out, next []uint64, c uint32, kind int) {
	has := m.has[c]
	for w := range m.words - 1 {
		for rest := out[w] & has[w]; rest != 0; rest &= rest - 1 {
			orWords(next, m.follow[(w<<6|bits.TrailingZeros64(rest))*kinds+kind])
		}
	}
}

// memory returns the bytes that m holds.
func (m *simulation) memory() int64 {
	shared := map[*uint64]bool{}
	n := int64(len(m.has)*m.words*8) + int64(len(m.follow))*24
	for _, f := range m.follow {
		if !shared[&f[0]] {
			shared[&f[0]] = true
			n += int64(len(f)) * 8
		}
	}
	return n
}
