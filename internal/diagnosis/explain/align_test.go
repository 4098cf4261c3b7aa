package explain

import (
	"math/rand/v2"
	"testing"
)

// TestAlign holds alignments to what makes one: every row once and in order, equal keys only, and as many pairs as there can be.
func TestAlign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a, b := keyed(r, 8), keyed(r, 8)
		i, j, pairs := 0, 0, 0
		for _, p := range align(a, b) {
			if p.a >= 0 && p.a != i || p.b >= 0 && p.b != j || p.a < 0 && p.b < 0 {
				t.Fatalf("%v %v: rows out of order", a, b)
			}
			if p.a >= 0 {
				i++
			}
			if p.b >= 0 {
				j++
			}
			if p.a >= 0 && p.b >= 0 {
				pairs++
				if a[p.a].key != b[p.b].key {
					t.Fatalf("%v %v: unequal rows meet", a, b)
				}
			}
		}
		if i != len(a) || j != len(b) || pairs != longest(a, b) {
			t.Fatalf("%v %v: %d and %d rows, %d pairs, want %d", a, b, i, j, pairs, longest(a, b))
		}
	}
}

func keyed(r *rand.Rand, most int) []row {
	out := make([]row, r.IntN(most+1))
	for i := range out {
		out[i].key = string(rune('a' + r.IntN(4)))
	}
	return out
}

// longest is the length of the longest common subsequence, the plain way.
func longest(a, b []row) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0
	case a[0].key == b[0].key:
		return 1 + longest(a[1:], b[1:])
	}
	return max(longest(a[1:], b), longest(a, b[1:]))
}
