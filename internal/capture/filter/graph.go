package filter

// node is one test of a program with the ways on from it. The two that end it have no ways.
type node struct {
	test
	t, f *node
	id   int // its place in the order of nodes, as the step needs it
}

// The two ends.
var (
	accept = &node{}
	reject = &node{}
)

// build makes a program of a tree.
func build(t *tree) *node { return t.to(accept, reject) }

// to is the node that goes to yes where t holds, and to no where not.
func (t *tree) to(yes, no *node) *node {
	switch t.kind {
	case isAnd:
		return t.a.to(t.b.to(yes, no), no)
	case isOr:
		return t.a.to(yes, t.b.to(yes, no))
	case isNot:
		return t.a.to(no, yes)
	case isTrue:
		return yes
	case isFalse:
		return no
	}
	return &node{test: t.test, t: yes, f: no}
}

// order lists the nodes that root leads to, each before those that it leads to, as they are laid out, and numbers them so.
func order(root *node) []*node {
	var out []*node
	seen := map[*node]bool{accept: true, reject: true}
	type visit struct {
		n    *node
		step int
	}
	stack := []visit{{root, 0}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		n := top.n
		top.step++
		switch {
		case top.step == 1 && seen[n]:
			stack = stack[:len(stack)-1]
		case top.step == 1:
			seen[n] = true
			stack = append(stack, visit{n.f, 0})
		case top.step == 2:
			stack = append(stack, visit{n.t, 0})
		default:
			out = append(out, n)
			stack = stack[:len(stack)-1]
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	for i, n := range out {
		n.id = i
	}
	return out
}
