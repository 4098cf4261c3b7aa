package match

import "math/bits"

// A counted repetition of one character, x{1,100}, is a row of positions. One that has counted less can still match all that one further on in
// the row can: whether there is a match does not change if only the least advanced stays in a set. Without this, an automaton would have to
// know every place of the last hundred where a count began.

// rows finds the rows: chain numbers them, from 1 on, for their positions, which ascend along a row; 0 is for positions of none.
func (n *nfa) rows() {
	n.chain = make([]int32, len(n.needs))
	over := make([]int32, len(n.needs)) // the position that each dominates directly, plus one
	for a := len(n.needs) - 1; a >= 0; a-- {
		if n.needs[a] == 0 {
			over[a] = int32(n.dominated(a, over) + 1)
		}
	}
	for a := range over {
		if over[a] == 0 {
			continue
		}
		if n.chain[a] == 0 {
			n.chains++
			n.chain[a] = int32(n.chains)
		}
		if b := over[a] - 1; n.chain[b] == 0 {
			n.chain[b] = n.chain[a]
		}
	}
}

// dominated returns the position behind a which a dominates, or -1. What lies behind is known already.
func (n *nfa) dominated(a int, over []int32) int {
	f := n.follow[a*kinds]
	for w := a >> 6; w < n.words-1; w++ {
		for rest := f[w]; rest != 0; rest &= rest - 1 {
			b := w<<6 | bits.TrailingZeros64(rest)
			if b > a && n.needs[b] == 0 && sameClasses(n.takes[a], n.takes[b]) && n.covers(a, b, int(over[b])-1) {
				return b
			}
		}
	}
	return -1
}

// covers reports whether all that b leads to, a leads to as well, but for c, which b dominates and a reaches over b.
func (n *nfa) covers(a, b, c int) bool {
	for k := range kinds {
		fa, fb := n.follow[a*kinds+k], n.follow[b*kinds+k]
		if fa[b>>6]>>(b&63)&1 == 0 {
			return false
		}
		for w := range fb {
			more := fb[w] &^ fa[w]
			if c >= 0 && w == c>>6 {
				more &^= 1 << (c & 63)
			}
			if more != 0 {
				return false
			}
		}
	}
	return true
}

func sameClasses(a, b []uint8) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// thin drops the positions of a set that another dominates. seen and turn are scratch space, one number for each row.
func (n *nfa) thin(set []uint64, seen []int32, turn int32) {
	for w := range n.words - 1 {
		for rest := set[w] & n.chained[w]; rest != 0; rest &= rest - 1 {
			at := w<<6 | bits.TrailingZeros64(rest)
			if c := n.chain[at]; seen[c] == turn {
				set[w] &^= 1 << (at & 63)
			} else {
				seen[c] = turn
			}
		}
	}
}
