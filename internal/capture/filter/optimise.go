package filter

// workBudget bounds the work on one program, in steps of some nanoseconds; when it is used up, what is left to shorten stays as it is.
const workBudget = 30_000_000

// optimise shortens ways over tests whose answer is known by those before them, brings tests of one value together, and makes one of
// tests that do the same. As packets that were cut off fail at the first load that they lack, the order of loads is part of the
// verdict: tests move just as libpcap moves them.
func optimise(root *node) *node {
	work, moves := workBudget, gatherBudget
	for work > 0 {
		before := root
		s := survey(root)
		work -= s.count * (100 + s.count/64)
		var changed bool
		if root, changed = shorten(root, &work); root == accept || root == reject {
			return root
		}
		if moved := s.gather(root, &moves); !changed && !moved && root == before {
			break
		}
	}
	return merge(root)
}

// known is a set of answers: bit 2n that test n holds, bit 2n+1 that it does not.
type known []uint64

func (k known) has(i int) bool { return k[i/64]>>(i%64)&1 != 0 }
func (k known) add(i int)      { k[i/64] |= 1 << (i % 64) }

// facts knows the tests of a program by number, and which ask one value for equality.
type facts struct {
	number map[test]int
	equals map[value][]test
	words  int
	work   *int
}

func newFacts(nodes []*node, work *int) *facts {
	f := &facts{work: work, number: map[test]int{}, equals: map[value][]test{}}
	for _, n := range nodes {
		if _, ok := f.number[n.test]; ok {
			continue
		}
		f.number[n.test] = len(f.number)
		if n.op == equal {
			f.equals[n.value] = append(f.equals[n.value], n.test)
		}
	}
	f.words = (2*len(f.number) + 63) / 64
	return f
}

// answer tells what a test gives, as far as it is known.
func (f *facts) answer(t test, k known) (holds, sure bool) {
	i := 2 * f.number[t]
	switch {
	case k.has(i):
		return true, true
	case k.has(i + 1):
		return false, true
	case t.op != equal:
		return false, false
	}
	*f.work -= len(f.equals[t.value])
	for _, other := range f.equals[t.value] {
		if other.k != t.k && k.has(2*f.number[other]) {
			return false, true
		}
	}
	return false, false
}

// shorten is one round. What is known at a node is what all ways to it have in common.
func shorten(root *node, work *int) (*node, bool) {
	nodes := order(root)
	f := newFacts(nodes, work)
	at := make([]known, len(nodes)) // nil: no way leads there
	changed := false
	for root != accept && root != reject && root.t == root.f {
		root, changed = root.t, true
	}
	if root == accept || root == reject {
		return root, changed
	}
	at[root.id] = make(known, f.words)
	scratch := make(known, f.words)
	for _, n := range nodes {
		if at[n.id] == nil {
			continue
		}
		for _, side := range []struct {
			way **node
			bit int
		}{{&n.t, 0}, {&n.f, 1}} {
			*work -= f.words
			copy(scratch, at[n.id])
			scratch.add(2*f.number[n.test] + side.bit)
			to := f.skip(*side.way, scratch)
			changed = changed || to != *side.way
			*side.way = to
			if to == accept || to == reject {
				continue
			}
			if at[to.id] == nil {
				at[to.id] = append(known(nil), scratch...)
				continue
			}
			for i := range scratch {
				at[to.id][i] &= scratch[i]
			}
		}
	}
	return root, changed
}

// skip goes over the nodes whose answer is known or does not matter.
func (f *facts) skip(n *node, k known) *node {
	for n != accept && n != reject {
		if n.t == n.f {
			n = n.t
			continue
		}
		if *f.work--; *f.work < 0 {
			return n
		}
		holds, sure := f.answer(n.test, k)
		if !sure {
			return n
		}
		if holds {
			n = n.t
		} else {
			n = n.f
		}
	}
	return n
}

// merge makes one node of those with the same test and the same ways on, from the ends up.
func merge(root *node) *node {
	type same struct {
		test
		t, f *node
	}
	nodes := order(root)
	first := map[same]*node{}
	to := map[*node]*node{accept: accept, reject: reject}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		n.t, n.f = to[n.t], to[n.f]
		key := same{n.test, n.t, n.f}
		if one := first[key]; one != nil {
			to[n] = one
		} else {
			first[key], to[n] = n, n
		}
	}
	return to[root]
}
