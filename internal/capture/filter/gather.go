package filter

// shape is how a program's nodes lie at the beginning of a round.
type shape struct {
	levels [][]*node         // by the longest way to an end, from 1
	above  []known           // by node.id: the nodes that every way to it meets, itself among them
	from   map[*node][]*node // the nodes that lead to it
	count  int
}

func survey(root *node) *shape {
	nodes := order(root)
	s := &shape{count: len(nodes), above: make([]known, len(nodes)), from: make(map[*node][]*node, len(nodes))}
	level := map[*node]int{}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		l := 1 + max(level[n.t], level[n.f])
		level[n] = l
		for len(s.levels) <= l {
			s.levels = append(s.levels, nil)
		}
		s.levels[l] = append(s.levels[l], n)
	}
	words := (len(nodes) + 63) / 64
	for _, n := range nodes {
		if s.above[n.id] == nil {
			s.above[n.id] = make(known, words)
		}
		s.above[n.id].add(n.id)
		for _, to := range []*node{n.t, n.f} {
			s.from[to] = append(s.from[to], n)
			switch {
			case to.ends():
			case s.above[to.id] == nil:
				s.above[to.id] = append(known(nil), s.above[n.id]...)
			default:
				for i, w := range s.above[n.id] {
					s.above[to.id][i] &= w
				}
			}
		}
	}
	return s
}

// ends reports whether a node is one of the two ends.
func (n *node) ends() bool { return n == accept || n == reject }

// way is one of the two ways on from n.
func (n *node) way(yes bool) **node {
	if yes {
		return &n.t
	}
	return &n.f
}

// gather moves tests of a value that is loaded already before those of others, in chains that lead to one place: of a or b or c, and of
// a and b and c. The order within such a chain makes no difference but for packets that were cut off, so where it
// would take long it is left undone.
func (s *shape) gather(root *node, budget *int) bool {
	moved := false
	now := survey(root)
	for _, level := range s.levels {
		for _, n := range level {
			for _, along := range []bool{false, true} {
				if *budget < s.count {
					return moved
				}
				if now.pull(n, along) {
					moved = true
					now = survey(root)
					*budget -= s.count
				}
			}
		}
	}
	return moved
}

// gatherBudget bounds the work of gather for one program: nodes looked at again after moving one.
const gatherBudget = 200_000

// pull moves one test up in the chain that begins with n and goes on where the answer is along.
func (s *shape) pull(n *node, along bool) bool {
	before := s.from[n]
	if len(before) == 0 {
		return false
	}
	loaded := before[0].value
	for _, b := range before[1:] {
		if b.value != loaded {
			return false
		}
	}
	out := *n.way(!along) // where each of the chain leads when it does not go on
	part := func(m *node) bool {
		return !m.ends() && *m.way(!along) == out && s.above[m.id].has(n.id)
	}
	var place **node // the way that leads to the first test of another value; nil: those to n
	other := n
	for {
		if !part(other) {
			return false
		}
		if other.value != loaded {
			break
		}
		place = other.way(along)
		other = *place
	}
	gap := other.way(along)
	for {
		if !part(*gap) {
			return false
		}
		if (*gap).value == loaded {
			break
		}
		gap = (*gap).way(along)
	}
	pulled := *gap
	*gap = *pulled.way(along)
	*pulled.way(along) = other
	if place != nil {
		*place = pulled
		return true
	}
	for _, b := range before {
		if b.t == n {
			b.t = pulled
		}
		if b.f == n {
			b.f = pulled
		}
	}
	return true
}
