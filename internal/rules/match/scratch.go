package match

// Bytes of a Scratch's lists.
const (
	keepScratch = 64 << 10 // below, a list grows as it likes
	keepTrim    = 16 << 10 // each keeps so much through Trim
)

// mostHits is how many places of words are kept of a value: beyond, to go over the whole value costs no more than to go from place to place, and
// the places would take many times the value's memory.
func mostHits(value string) int { return keepScratch/8 + len(value)/16 }

// Trim forgets the last value and gives back the memory that only long values need: each list keeps up to 16 KiB.
func (x *Scratch) Trim() {
	x.valid = false
	x.value, x.fold = cutBack(x.value, 1), cutBack(x.fold, 1)
	x.hits, x.chain, x.moved = cutBack(x.hits, 8), cutBack(x.chain, 8), cutBack(x.moved, 16)
	x.chains = false
	for _, u := range x.used {
		x.heads[u] = 0
	}
	x.used = x.used[:0]
	for i := range x.ends {
		x.ends[i] = places{places: cutBack(x.ends[i].places, 4)}
	}
	x.block.hits = cutBack(x.block.hits, 8)
	x.pike.value = ""
}

// dropPlaces gives back the places that feeds found in long values.
func (x *Scratch) dropPlaces() {
	for i := range x.ends {
		if cap(x.ends[i].places) > keepScratch/4 {
			x.ends[i] = places{}
		}
	}
}

// cutBack returns s without elements, or nil where its elements of size bytes take more than Trim keeps.
func cutBack[T any](s []T, size int) []T {
	if cap(s)*size > keepTrim {
		return nil
	}
	return s[:0]
}
