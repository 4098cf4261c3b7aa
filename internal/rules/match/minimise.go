package match

import (
	"math"
	"slices"
)

// finish joins states that nothing tells apart, numbers them so that those which deserve a look come first, and lays the table out.
func (b *dfaBuilder) finish() *dfa {
	group, groups := b.minimise()
	first := make([]int, groups) // of each group: one of its states
	for s := b.states - 1; s >= 0; s-- {
		first[group[s]] = s
	}
	order, number, wins := b.number(group, first)
	d := &dfa{classes: b.classes, stride: uint32(b.width), wins: uint32(wins * b.width), dead: math.MaxUint32, final: make([]bool, groups)}
	put := func(v uint32) { d.next = append(d.next, uint16(v)) }
	if groups*b.width > math.MaxUint16 {
		put = func(v uint32) { d.wide = append(d.wide, v) }
		d.wide = make([]uint32, 0, groups*b.width)
	} else {
		d.next = make([]uint16, 0, groups*b.width)
	}
	for i, g := range order {
		row := b.next[first[g]*b.width:][:b.width]
		loop := true
		for _, to := range row {
			n := number[group[to]]
			put(n * d.stride)
			loop = loop && int(n) == i
		}
		d.final[i] = b.final[first[g]] != 0
		if loop && i >= wins && !d.final[i] {
			d.dead = uint32(i) * d.stride
		}
	}
	last := d.wins - d.stride
	for k := range kinds {
		d.start[k] = number[group[b.begin[k]]] * d.stride
		last = max(last, d.start[k])
	}
	if d.dead != math.MaxUint32 {
		last = max(last, d.dead)
	}
	d.special = last + d.stride
	d.skip()
	return d
}

// number orders the groups: matched, dead, idle, others. It returns the groups in order and the place of each.
func (b *dfaBuilder) number(group, first []int) (order []int, number []uint32, wins int) {
	number = make([]uint32, len(first))
	done := make([]bool, len(first))
	take := func(g int) {
		if !done[g] {
			done[g] = true
			number[g] = uint32(len(order))
			order = append(order, g)
		}
	}
	for g, s := range first {
		if b.won(b.set(s)) {
			take(g)
		}
	}
	wins = len(order)
	for g, s := range first {
		dead := b.final[s] == 0
		for _, to := range b.next[s*b.width:][:b.width] {
			dead = dead && group[to] == g
		}
		if dead {
			take(g)
		}
	}
	for _, s := range b.begin {
		take(group[s])
	}
	for g := range first {
		take(g)
	}
	return order, number, wins
}

// skip finds out which bytes can be passed over while nothing has begun: those that lead from idle states to idle states only.
func (d *dfa) skip() {
	for b := range 256 {
		d.leaves[b] = b >= 0x80 && !d.bytes || d.start[kindOf(byte(b))] < d.wins
		for _, s := range d.start {
			d.leaves[b] = d.leaves[b] || d.to(s, uint32(d.ascii[b])) != d.start[kindOf(byte(b))]
		}
	}
}

// to returns the state that follows s over class c.
func (d *dfa) to(s, c uint32) uint32 {
	if d.wide != nil {
		return d.wide[s+c]
	}
	return uint32(d.next[s+c])
}

// memory returns the bytes that d holds.
func (d *dfa) memory() int64 {
	return int64(len(d.next)*2+len(d.wide)*4+len(d.final)) + int64(len(d.from)*5) + 1024
}

// minimise puts states into groups that nothing tells apart.
func (b *dfaBuilder) minimise() (group []int, groups int) {
	group, next := make([]int, b.states), make([]int, b.states)
	for s := range b.states {
		switch {
		case b.won(b.set(s)):
			group[s] = 4
		case b.final[s] != 0:
			group[s] = 2
		}
		if slices.Contains(b.begin[:], s) {
			group[s]++
		}
	}
	for last := 0; ; last = groups {
		seen := make(map[uint64]int, max(last, 16))
		for s := range b.states {
			h := uint64(group[s]+1) * 0x9E3779B97F4A7C15
			for _, to := range b.next[s*b.width:][:b.width] {
				h = (h ^ uint64(group[to])) * 0xD6E8FEB86659FD93
				h ^= h >> 32
			}
			g, ok := seen[h]
			if !ok {
				g = len(seen)
				seen[h] = g
			}
			next[s] = g
		}
		group, next = next, group
		groups = len(seen)
		if groups == last {
			break
		}
	}
	if b.agrees(group, groups) {
		return group, groups
	}
	for s := range group { // two rows had one hash: every state by itself is right too
		group[s] = s
	}
	return group, b.states
}

// agrees reports whether the states of each group do the same, whatever their hashes said.
func (b *dfaBuilder) agrees(group []int, groups int) bool {
	first := make([]int, groups)
	for s := b.states - 1; s >= 0; s-- {
		first[group[s]] = s
	}
	for s := range b.states {
		f := first[group[s]]
		if (b.final[s] != 0) != (b.final[f] != 0) || b.won(b.set(s)) != b.won(b.set(f)) {
			return false
		}
		for c, to := range b.next[s*b.width:][:b.width] {
			if group[to] != group[b.next[f*b.width+c]] {
				return false
			}
		}
	}
	return true
}
