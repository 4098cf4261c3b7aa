package match

import (
	"math/bits"
	"slices"
)

// dfa is an automaton over the classes of an nfa, with every state built beforehand. A state is the place of its row in next.
type dfa struct {
	*classes
	next    []uint16 // of each state and class: the next state
	wide    []uint32 // the same, where next is too narrow
	final   []bool   // of each state by its number: a match ends where the value does
	stride  uint32
	start   [kinds]uint32 // the state after a character of each kind when no beginning of a match has been seen: an idle state
	special uint32        // states below it deserve a look: the one that has matched (0), the one that never will (dead), the idle ones
	dead    uint32        // beyond all states where there is none
	sole    uint32        // the idle state, where there is only one; else beyond all states
	leaves  [256]bool     // bytes that lead out of it
}

// dfaBuilder makes a dfa from an nfa.
type dfaBuilder struct {
	*nfa
	limit  int
	anchor bool // a match begins where the run begins
	sets   []uint64
	before []uint8
	table  []int32 // open addressing: state + 1
	next   []uint32
	final  []uint64
	states int
	begin  [kinds]int
	row    []uint64 // of each class, the set that it leads to
	out    []uint64
	tried  []uint64
}

// newDFA builds the automaton of n. ok is false where it needs more states than limit.
func newDFA(n *nfa, limit int, anchored bool) (d *dfa, ok bool) {
	b := &dfaBuilder{
		nfa: n, limit: limit, anchor: anchored, table: make([]int32, 256),
		row: make([]uint64, n.n*n.words), out: make([]uint64, n.words), tried: make([]uint64, n.words),
	}
	for k := range kinds {
		b.begin[k] = b.state(slices.Clone(n.start[k]), k)
	}
	won := make([]uint64, n.words)
	won[n.words-1] = 1
	b.state(won, 0)
	for s := 0; s < b.states; s++ {
		if b.states > limit {
			return nil, false
		}
		b.expand(s)
	}
	return b.finish(), true
}

// begun marks sets that hold a match begun before, even where it is as far as one that begins here: Find needs to know.
const begun = 1 << 63

func (b *dfaBuilder) won(set []uint64) bool { return set[b.words-1]&^begun != 0 }

func (b *dfaBuilder) set(s int) []uint64 { return b.sets[s*b.words : (s+1)*b.words] }

// state numbers a set of positions reached over a character of kind before.
func (b *dfaBuilder) state(set []uint64, before int) int {
	k, hash := uint8(0), uint64(14695981039346656037)
	for w, asks := range b.kindful {
		if set[w]&asks != 0 {
			k = uint8(before)
		}
	}
	if b.won(set) { // nothing else matters
		k = 0
		clear(set)
		set[b.words-1] = 1
	}
	for _, w := range set {
		hash = (hash ^ w) * 0x9E3779B97F4A7C15
		hash ^= hash >> 29
	}
	hash = (hash ^ uint64(k)) * 0x9E3779B97F4A7C15
	mask := len(b.table) - 1
	i := int(hash>>32) & mask
	for ; b.table[i] != 0; i = (i + 1) & mask {
		s := int(b.table[i] - 1)
		if b.before[s] == k && equalWords(b.set(s), set) {
			return s
		}
	}
	b.sets = append(b.sets, set...)
	b.before = append(b.before, k)
	b.states++
	b.table[i] = int32(b.states)
	if b.states*2 > len(b.table) {
		b.rehash()
	}
	return b.states - 1
}

func (b *dfaBuilder) rehash() {
	b.table = make([]int32, 4*len(b.table))
	mask := len(b.table) - 1
	for s := range b.states {
		hash := uint64(14695981039346656037)
		for _, w := range b.set(s) {
			hash = (hash ^ w) * 0x9E3779B97F4A7C15
			hash ^= hash >> 29
		}
		hash = (hash ^ uint64(b.before[s])) * 0x9E3779B97F4A7C15
		i := int(hash>>32) & mask
		for b.table[i] != 0 {
			i = (i + 1) & mask
		}
		b.table[i] = int32(s + 1)
	}
}

// expand finds where state s goes over each class, and what matches if the value ends there.
func (b *dfaBuilder) expand(s int) {
	for c := range b.n {
		row := b.row[c*b.words : (c+1)*b.words]
		if b.anchor {
			clear(row)
		} else {
			copy(row, b.nfa.start[b.kind[c]])
		}
	}
	before := int(b.before[s])
	b.final = append(b.final, b.resolve(b.set(s), before, kindText, b.out, b.tried)&^begun)
	if b.won(b.set(s)) {
		for range b.n {
			b.next = append(b.next, uint32(s))
		}
		return
	}
	last := -1
	for k := range kinds - 1 {
		if last < 0 || b.look {
			b.resolve(b.set(s), before, k, b.out, b.tried)
			last = k
		}
		b.step(k)
		if !b.look {
			break
		}
	}
	for c := range b.n {
		b.next = append(b.next, uint32(b.state(b.row[c*b.words:(c+1)*b.words], int(b.kind[c]))))
	}
}

// step adds to the rows of the classes of a kind (of all, where nothing looks ahead) what the positions in out lead to.
func (b *dfaBuilder) step(k int) {
	w1 := b.words - 1
	acc := b.out[w1] &^ begun
	if acc != 0 {
		for c := range b.n {
			if !b.look || int(b.kind[c]) == k {
				b.row[c*b.words+w1] |= acc
			}
		}
	}
	for w := range w1 {
		for rest := b.out[w]; rest != 0; rest &= rest - 1 {
			at := w<<6 | bits.TrailingZeros64(rest)
			for _, c := range b.takes[at] {
				kc := int(b.kind[c])
				if b.look && kc != k {
					continue
				}
				row := b.row[int(c)*b.words : (int(c)+1)*b.words]
				orWords(row, b.follow[at*kinds+kc])
				row[w1] |= begun
			}
		}
	}
}
