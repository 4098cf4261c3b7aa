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
	wins    uint32        // states below it have matched: one only, but where all ends are wanted
	special uint32        // states below it deserve a look: those that have matched, the one that never will (dead), the idle ones
	dead    uint32        // beyond all states where there is none
	leaves  [256]bool     // bytes that lead out of the idle states
}

// mode is what a dfa finds out.
type mode uint8

const (
	occurs mode = iota // whether there is a match, wherever it begins
	here               // whether there is one that begins where the run does
	ends               // all places where one ends
	passes             // the same, of matches that begin where it is told; see cascade
	last               // whether there is one that begins where it is told
)

// dfaBuilder makes a dfa from an nfa.
type dfaBuilder struct {
	*nfa
	limit   int
	mode    mode
	width   int // columns: the classes, and where it is told of beginnings, one for each kind of what stands before
	sets    []uint64
	before  []uint8
	table   []int32 // open addressing: state + 1
	next    []uint32
	final   []uint64
	states  int
	begin   [kinds]int
	nowhere [kinds]int // the states that hold nothing but what begins there
	every   []uint64   // positions from which all places are ends
	row     []uint64   // of each class, the set that it leads to
	out     []uint64
	seen    []int32 // of each row: the turn in which a position of it was met
	turn    int32
	tried   []uint64
	touched []bool // classes whose row is in use
}

// buffers are what is used again for the next automaton.
type buffers struct {
	sets   []uint64
	before []uint8
	table  []int32
	next   []uint32
	final  []uint64
}

// tableStart is how many places the table of states begins with.
const tableStart = 1 << 10

// newDFA builds the automaton of n. ok is false where it needs more states than limit.
func newDFA(n *nfa, limit int, how mode, mem *buffers) (d *dfa, ok bool) {
	if len(mem.table) < tableStart {
		mem.table = make([]int32, tableStart)
	}
	clear(mem.table[:tableStart])
	b := &dfaBuilder{
		nfa: n, limit: limit, mode: how, table: mem.table[:tableStart],
		sets: mem.sets[:0], before: mem.before[:0], next: mem.next[:0], final: mem.final[:0],
		row: make([]uint64, n.n*n.words), seen: make([]int32, n.chains+1), out: make([]uint64, n.words), tried: make([]uint64, n.words),
		touched: make([]bool, n.n),
	}
	defer func() { *mem = buffers{b.sets, b.before, b.table, b.next, b.final} }()
	b.width = n.n
	told := how == passes || how == last
	if told {
		b.width += kinds
	}
	for k := range kinds {
		set := make([]uint64, n.words)
		if !told {
			copy(set, n.start[k])
		}
		b.begin[k] = b.state(slices.Clone(set), k)
		if !b.restarts() {
			clear(set)
		}
		b.nowhere[k] = b.state(set, k)
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

// collapse drops all positions of a set but one where that one alone makes every place from here on an end: .* before what may be nothing.
func (b *dfaBuilder) collapse(set []uint64) {
	if b.every == nil {
		b.every = make([]uint64, b.words)
		for at, classes := range b.takes {
			ok := len(classes) == b.n
			for k := range kinds {
				f := b.follow[at*kinds+k]
				ok = ok && f[at>>6]>>(at&63)&1 != 0 && f[b.words-1]&^begun != 0
			}
			if ok {
				b.every[at>>6] |= 1 << (at & 63)
			}
		}
	}
	for w := range b.words - 1 {
		if one := set[w] & b.every[w]; one != 0 {
			clear(set[:b.words-1])
			set[w] = one & -one
			return
		}
	}
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
	if !b.all() && b.won(set) { // nothing else matters
		k = 0
		clear(set)
		set[b.words-1] = 1
	}
	if b.all() {
		b.collapse(set)
	}
	if b.chains > 0 {
		b.turn++
		b.thin(set, b.seen, b.turn)
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
	if n := 4 * len(b.table); n <= cap(b.table) {
		b.table = b.table[:n]
		clear(b.table)
	} else {
		b.table = make([]int32, n)
	}
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
	before := int(b.before[s])
	b.final = append(b.final, b.resolve(b.set(s), before, kindText, b.out, b.tried)&^begun)
	if !b.all() && b.won(b.set(s)) {
		for range b.width {
			b.next = append(b.next, uint32(s))
		}
		return
	}
	clear(b.touched)
	for k := range kinds - 1 {
		if k == 0 || b.look {
			b.resolve(b.set(s), before, k, b.out, b.tried)
			b.step(k)
		}
	}
	for c := range b.n {
		to := b.nowhere[b.kind[c]] // most classes lead nowhere but to where all begins
		if b.touched[c] {
			to = b.state(b.row[c*b.words:(c+1)*b.words], int(b.kind[c]))
		}
		b.next = append(b.next, uint32(to))
	}
	for k := range b.width - b.n { // a match begins here as well
		set := slices.Clone(b.set(s))
		orWords(set, b.nfa.start[k])
		b.next = append(b.next, uint32(b.state(set, k)))
	}
}

// restarts reports whether a match may begin anywhere.
func (b *dfaBuilder) restarts() bool { return b.mode == occurs || b.mode == ends }

// touch returns the row of a class, which holds what begins behind it from the first time on.
func (b *dfaBuilder) touch(c int) []uint64 {
	row := b.row[c*b.words : (c+1)*b.words]
	if !b.touched[c] {
		b.touched[c] = true
		if b.restarts() {
			copy(row, b.nfa.start[b.kind[c]])
		} else {
			clear(row)
		}
	}
	return row
}

// all reports whether a match is no reason to stop.
func (b *dfaBuilder) all() bool { return b.mode == ends || b.mode == passes }

// step adds to the rows of the classes of a kind (of all, where nothing looks ahead) what the positions in out lead to.
func (b *dfaBuilder) step(k int) {
	w1 := b.words - 1
	if acc := b.out[w1] &^ begun; acc != 0 && !b.all() {
		for c := range b.n {
			if !b.look || int(b.kind[c]) == k {
				b.touch(c)[w1] |= acc
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
				row := b.touch(int(c))
				orWords(row, b.follow[at*kinds+kc])
				if b.mode == occurs {
					row[w1] |= begun
				}
			}
		}
	}
}
