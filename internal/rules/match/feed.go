package match

import (
	"math"
	"slices"
)

// feed is what cascades with the same stages share: the places where their last parts may begin, found once for a value.
type feed struct {
	stages []*dfa
	always uint32 // the state of the first after which all places are ends of the last; beyond all states where there is none
}

func newFeed(stages []*dfa) feed {
	f := feed{stages: stages, always: math.MaxUint32}
	for _, d := range stages[1:] {
		for kind := range kinds {
			if d.to(d.start[0], uint32(d.n+kind)) >= d.wins {
				return f // what it matches is not nothing
			}
		}
	}
	first := stages[0]
	for s := uint32(0); s < first.wins; s += first.stride {
		stays := true
		for c := range first.stride {
			stays = stays && first.to(s, c) == s
		}
		if stays {
			f.always = s
		}
	}
	return f
}

// ends appends to dst the places of value where a match of the last part may begin.
func (f *feed) ends(value string, dst []int32) []int32 {
	var state [maxStages + 1]uint32
	for k, d := range f.stages {
		state[k] = d.start[kindText]
	}
	kind := kindText
	first := f.stages[0]
	busy := true
	for i := 0; ; {
		if busy || state[0] < first.wins {
			if f.tell(&state, kind) {
				if len(dst) == cap(dst) && len(dst) >= keepScratch/4 { // the most there can be, instead of one size after the other
					dst = append(make([]int32, 0, len(value)+1), dst...)
				}
				dst = append(dst, int32(i))
			}
			busy = f.busy(&state)
		}
		if i == len(value) {
			return dst
		}
		if state[0] == f.always { // all places from here on are ends, too
			dst = slices.Grow(dst, len(value)-i)
			for ; i < len(value); i++ {
				if align(value, i+1) == i+1 {
					dst = append(dst, int32(i+1))
				}
			}
			return dst
		}
		if !busy && state[0] < first.special && state[0] >= first.wins {
			from := i
			for i < len(value) && !first.leaves[value[i]] {
				i++
			}
			if i > from {
				kind = kindOf(value[i-1])
				state[0] = first.start[kind]
				continue
			}
		}
		n, b := 1, value[i]
		class := uint32(first.ascii[b])
		if class == beyond {
			class, n = first.over(value, i)
		}
		state[0] = first.to(state[0], class)
		if busy {
			f.step(&state, value, i)
		}
		kind = kindOf(b)
		i += n
	}
}

// busy reports whether something has begun in a part behind the first.
func (f *feed) busy(state *[maxStages + 1]uint32) bool {
	for k := 1; k < len(f.stages); k++ {
		if state[k] != f.stages[k].start[0] {
			return true
		}
	}
	return false
}

// step moves the parts behind the first over the character at i.
func (f *feed) step(state *[maxStages + 1]uint32, value string, i int) {
	for k := 1; k < len(f.stages); k++ {
		d := f.stages[k]
		if state[k] == d.start[0] {
			continue
		}
		class := uint32(d.ascii[value[i]])
		if class == beyond {
			class, _ = d.over(value, i)
		}
		state[k] = d.to(state[k], class)
	}
}

// tell passes on where matches of the parts end, and reports whether one of the last stage does.
func (f *feed) tell(state *[maxStages + 1]uint32, kind int) bool {
	ends := false
	for k, d := range f.stages {
		if ends {
			state[k] = d.to(state[k], uint32(d.n+kind))
		}
		ends = state[k] < d.wins
	}
	return ends
}
