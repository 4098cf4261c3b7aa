package match

// run is an automaton that is to go over a value, for a pattern of hits.
type run struct {
	d       *dfa
	value   string
	hits    Bits
	pattern int32
}

// known reports whether another automaton has found that the pattern matches.
func (r *run) known() bool { return r.hits[r.pattern>>6]>>(r.pattern&63)&1 != 0 }

func (r *run) hit() { r.hits[r.pattern>>6] |= 1 << (r.pattern & 63) }

// lane is a run on its way.
type lane struct {
	run

	at    int
	state uint32
}

const (
	laneCount = 4
	lanesFrom = 48 // bytes of a value from which on its runs are put off
	stretch   = 64 // bytes that lanes take before somebody looks how they fare
)

// Settle completes the hits of each Verify and Alone since the last Settle: it takes the automata that they have put off over their values, some at
// a time, for each of them waits for its next state most of the time.
func (x *Scratch) Settle() {
	var lanes [laneCount]lane
	n, list := 0, x.runs
	for {
		for ; n < laneCount && len(list) > 0; list = list[1:] {
			if r := &list[0]; !r.known() {
				lanes[n] = lane{run: *r, state: r.d.start[kindText]}
				n++
			}
		}
		if n < 2 {
			break
		}
		n = advance(&lanes, n)
	}
	if l := &lanes[0]; n > 0 && l.d.goOn(l.value, l.at, l.state) {
		l.hit()
	}
	clear(x.runs)
	x.runs = x.runs[:0]
}

// advance takes lanes on until one of the first n is done. It returns how many are not; they stand first.
func advance(lanes *[laneCount]lane, n int) int {
	for {
		for i := n; i < laneCount; i++ {
			lanes[i] = lanes[0] // goes along for nothing
		}
		m := stretch
		for i := range n {
			m = plain(lanes[i].value, lanes[i].at, m)
		}
		if m > 0 {
			four(lanes, m)
		}
		left := n
		for i := n - 1; i >= 0; i-- {
			l := &lanes[i]
			if m == 0 {
				l.one()
			}
			if l.done() {
				left--
				lanes[i] = lanes[left]
			}
		}
		if left < n {
			return left
		}
	}
}

// done reports whether l knows whether its pattern matches, and notes it.
func (l *lane) done() bool {
	over := l.at == len(l.value)
	if l.state >= l.d.special && !over {
		return false
	}
	if l.state < l.d.wins || over && l.d.final[l.state/l.d.stride] {
		l.hit()
		return true
	}
	return l.state == l.d.dead || over
}

// one takes l over one character.
func (l *lane) one() {
	if l.at == len(l.value) {
		return
	}
	c, n := uint32(l.d.ascii[l.value[l.at]]), 1
	if c == beyond {
		c, n = l.d.over(l.value, l.at)
	}
	l.state, l.at = uint32(l.d.next[l.state+c]), l.at+n
}

// plain returns how many bytes of ASCII stand in value from at on, at most most.
func plain(value string, at, most int) int {
	v := value[at:min(len(value), at+most)]
	i := 0
	for ; len(v)-i >= 8; i += 8 {
		if w := v[i : i+8]; (w[0]|w[1]|w[2]|w[3]|w[4]|w[5]|w[6]|w[7])&0x80 != 0 {
			break
		}
	}
	for ; i < len(v) && v[i] < 0x80; i++ {
	}
	return i
}

// four takes each lane over m bytes of ASCII.
func four(l *[laneCount]lane, m int) {
	a, b, c, d := &l[0], &l[1], &l[2], &l[3]
	s, t, u, v := a.state, b.state, c.state, d.state
	an, bn, cn, dn := a.d.next, b.d.next, c.d.next, d.d.next
	ac, bc, cc, dc := &a.d.ascii, &b.d.ascii, &c.d.ascii, &d.d.ascii
	av, bv, cv, dv := a.value[a.at:][:m], b.value[b.at:][:m], c.value[c.at:][:m], d.value[d.at:][:m]
	for i := range m {
		s = uint32(an[s+uint32(ac[av[i]])])
		t = uint32(bn[t+uint32(bc[bv[i]])])
		u = uint32(cn[u+uint32(cc[cv[i]])])
		v = uint32(dn[v+uint32(dc[dv[i]])])
	}
	a.state, b.state, c.state, d.state = s, t, u, v
	a.at, b.at, c.at, d.at = a.at+m, b.at+m, c.at+m, d.at+m
}
