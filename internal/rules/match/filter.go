package match

import (
	"math"
	"math/bits"
	"slices"
)

// filter finds all words of a set in a value, in one pass. Of each word one gram (two to four bytes, the rarest that serves) stands in a bit
// table that is asked at every byte; where it says yes, the words with that gram are compared. Nothing depends on what came before, so
// that the processor works on several bytes at once, and the tables stay in its nearest cache.
type filter struct {
	tab    [256]uint64 // of each byte: the byte in lower case, its kind (bits 8 to 62), and whether it is a word by itself (bit 63)
	four   [2048]uint64
	three  [512]uint64
	two    [128]uint64
	heads  []head // of each gram's slot: where its entries begin
	shift  uint8  // of a hash, to get a slot
	entry  []entry
	text   string // all words
	spell  []byte // the same while it grows
	words  []word
	index  map[string]uint32
	memory int64
}

// word is a part of filter.text.
type word struct{ from, n uint32 }

// entry is a word under its gram.
type entry struct {
	gram  uint32
	word  uint32
	after uint32 // bytes of the word behind the gram
	from  uint32 // the word in filter.text
	size  uint32 // its bytes
	n     uint8  // bytes of the gram
}

const (
	foldMask  = 0xff
	soleBit   = 1 << 63
	kindBits  = 55
	kindShift = 8
	spread    = 0x9E3779B1
	maxSlots  = 14 // bits
)

// head is a slot. bloom tells most grams that are none of its from those that are, so that the entries are seldom touched in vain.
type head struct{ bloom, from uint32 }

// bloom is the bit of a gram.
func bloom(gram uint32) uint32 { return 1 << (gram * 0x9E3779B1 >> 27) }

// slot is the place of a gram among the entries.
func (f *filter) slot(gram uint32, n uint8) uint32 {
	return (gram*0x85EBCA6B ^ uint32(n)*0xC2B2AE35) * 0x27D4EB2F >> f.shift
}

// kindTable gives bytes to kinds: marks each their own, letters and the rest in groups.
func kindTable() (of [256]uint8) {
	next := uint8(0)
	give := func(bytes string) {
		for i := range len(bytes) {
			of[bytes[i]] = next
			if bytes[i] >= 'a' && bytes[i] <= 'z' {
				of[bytes[i]-32] = next
			}
		}
		next++
	}
	give("etaoin") // kind 0 holds what is in nearly all values
	for b := byte(' '); b <= '~'; b++ {
		if kindOf(b) != kindWord || b == '_' {
			give(string(rune(b)))
		}
	}
	for _, g := range []string{"0123456789", "srlcdum", "gpfb", "hwv", "yk", "x", "jqz", "\n", "\r", "\t", "\x00"} {
		give(g)
	}
	for b := range 256 {
		switch {
		case b >= 0x80:
			of[b] = next
		case b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != 0, b == 0x7f:
			of[b] = next + 1
		}
	}
	return of
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 32
	}
	return b
}

func newFilter() *filter {
	f := &filter{index: map[string]uint32{}}
	for b, k := range kindTable() {
		f.tab[b] = uint64(lower(byte(b))) | 1<<(kindShift+k)
	}
	return f
}

// add takes a word in lower case and returns its number.
func (f *filter) add(w string) uint32 {
	if n, ok := f.index[w]; ok {
		return n
	}
	n := uint32(len(f.words))
	f.index[w] = n
	f.words = append(f.words, word{uint32(len(f.spell)), uint32(len(w))})
	f.spell = append(f.spell, w...)
	return n
}

// kinds returns the kinds of which a value must have one to hold any of words: of each word the rarest of its bytes counts.
func (f *filter) kinds(words []string) uint64 {
	mask := uint64(0)
	for _, w := range words {
		rarest, at := -1.0, 0
		for i := range len(w) {
			if b := byteBits(w[i]); b > rarest {
				rarest, at = b, i
			}
		}
		if len(w) == 0 {
			return math.MaxUint64
		}
		mask |= f.tab[w[at]] &^ (foldMask | soleBit)
	}
	return mask
}

// seal builds the tables.
func (f *filter) seal() {
	size := max(4, min(maxSlots, bits.Len(uint(len(f.words)))+1))
	slots := 1 << size
	f.shift = uint8(32 - size) //nolint:gosec // 18 to 28
	loads := map[uint64]int{}
	f.text, f.spell = string(f.spell), nil
	common := commonGrams()
	order := make([]uint32, len(f.words))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return int(f.words[a].n) - int(f.words[b].n) })
	for _, n := range order {
		f.place(n, loads, common)
	}
	slices.SortStableFunc(f.entry, func(a, b entry) int { return int(f.slot(a.gram, a.n)) - int(f.slot(b.gram, b.n)) })
	f.heads = make([]head, slots+1)
	for _, e := range f.entry {
		s := f.slot(e.gram, e.n)
		f.heads[s].bloom |= bloom(e.gram)
		f.heads[s+1].from++
	}
	for i := range slots {
		f.heads[i+1].from += f.heads[i].from
	}
	f.index = nil
	f.memory = int64(len(f.text)) + int64(len(f.words))*8 + int64(len(f.entry))*28 + int64(len(f.heads))*8 + 16<<10
}

// place chooses the gram of a word: one that few words share, and of those the rarest in ordinary text.
func (f *filter) place(n uint32, loads map[uint64]int, common map[uint32]bool) {
	w := f.text[f.words[n].from:][:f.words[n].n]
	size := min(len(w), 4)
	bestAt, bestCost := -1, 0.0
	for at := 0; at+size <= len(w); at++ {
		cost := -rarity(w[at : at+size])
		if common[gram(w[at:at+size])] {
			cost += 20
		}
		switch load := loads[uint64(size)<<32|uint64(gram(w[at:at+size]))]; {
		case load >= 8:
			cost += float64(load) * 8
		case load > 0:
			cost -= 1 // a bit that is set already makes no more false alarms
		}
		if bestAt < 0 || cost < bestCost {
			bestAt, bestCost = at, cost
		}
	}
	if size == 0 {
		return
	}
	g := gram(w[bestAt : bestAt+size])
	loads[uint64(size)<<32|uint64(g)]++
	f.entry = append(f.entry, entry{gram: g, word: n, from: f.words[n].from, size: f.words[n].n, after: uint32(len(w) - bestAt - size), n: uint8(size)})
	switch size {
	case 1:
		f.tab[w[0]] |= soleBit
		if w[0] >= 'a' && w[0] <= 'z' {
			f.tab[w[0]-32] |= soleBit
		}
	case 2:
		h := g << 16 * spread >> 19
		f.two[h>>6] |= 1 << (h & 63)
	case 3:
		h := g << 8 * spread >> 17
		f.three[h>>6] |= 1 << (h & 63)
	case 4:
		h := g * spread >> 15
		f.four[h>>6] |= 1 << (h & 63)
	}
}

func gram(s string) (g uint32) {
	for i := range len(s) {
		g = g<<8 | uint32(s[i])
	}
	return g
}

// pass goes over value once. What it finds stands in x; it returns the kinds of bytes that occur.
func (f *filter) pass(x *Scratch, value string) uint64 {
	kinds, w := uint64(0), uint32(0)
	tab, four, three, two := &f.tab, &f.four, &f.three, &f.two
	for i := 0; i < len(value); i++ {
		m := tab[value[i]]
		kinds |= m
		w = w<<8 | uint32(uint8(m))
		h4, h3, h2 := w*spread>>15, w<<8*spread>>17, w<<16*spread>>19
		in4, in3, in2 := four[h4>>6&2047]>>(h4&63), three[h3>>6&511]>>(h3&63), two[h2>>6&127]>>(h2&63)
		if (in4|in3|in2|m>>63)&1 != 0 {
			if in4&1 != 0 {
				f.look(x, value, i+1, w, 4)
			}
			if in3&1 != 0 {
				f.look(x, value, i+1, w&0xffffff, 3)
			}
			if in2&1 != 0 {
				f.look(x, value, i+1, w&0xffff, 2)
			}
			if m>>63 != 0 {
				f.look(x, value, i+1, w&0xff, 1)
			}
		}
	}
	return kinds
}

// look compares the words of which a gram of n bytes ends before value[end].
func (f *filter) look(x *Scratch, value string, end int, g uint32, n uint8) {
	s := f.slot(g, n)
	h := f.heads[s]
	if h.bloom&bloom(g) == 0 {
		return
	}
	for i, last := h.from, f.heads[s+1].from; i < last; i++ {
		e := &f.entry[i]
		if e.gram != g || e.n != n {
			continue
		}
		if uint32(n) == e.size && end >= int(n) || f.equal(e, value, end) {
			x.found(e.word, end+int(e.after))
		}
	}
}

// any reports whether a word of f stands in value.
func (f *filter) any(value string) bool {
	w := uint32(0)
	tab, four, three, two := &f.tab, &f.four, &f.three, &f.two
	for i := 0; i < len(value); i++ {
		m := tab[value[i]]
		w = w<<8 | uint32(uint8(m))
		h4, h3, h2 := w*spread>>15, w<<8*spread>>17, w<<16*spread>>19
		in4, in3, in2 := four[h4>>6&2047]>>(h4&63), three[h3>>6&511]>>(h3&63), two[h2>>6&127]>>(h2&63)
		if (in4|in3|in2|m>>63)&1 != 0 && (in4&1 != 0 && f.holds(value, i+1, w, 4) || in3&1 != 0 && f.holds(value, i+1, w&0xffffff, 3) ||
			in2&1 != 0 && f.holds(value, i+1, w&0xffff, 2) || m>>63 != 0 && f.holds(value, i+1, w&0xff, 1)) {
			return true
		}
	}
	return false
}

// holds reports whether one of the words of which a gram of n bytes ends before value[end] stands there.
func (f *filter) holds(value string, end int, g uint32, n uint8) bool {
	s := f.slot(g, n)
	h := f.heads[s]
	if h.bloom&bloom(g) == 0 {
		return false
	}
	for i, last := h.from, f.heads[s+1].from; i < last; i++ {
		e := &f.entry[i]
		if e.gram == g && e.n == n && (uint32(n) == e.size && end >= int(n) || f.equal(e, value, end)) {
			return true
		}
	}
	return false
}

// equal compares the word of e with value, its gram ending before end.
func (f *filter) equal(e *entry, value string, end int) bool {
	to := end + int(e.after)
	from := to - int(e.size)
	if from < 0 || to > len(value) {
		return false
	}
	part, text := value[from:to], f.text[e.from:][:e.size]
	for i := range len(part) {
		if f.tab[part[i]]&foldMask != uint64(text[i]) {
			return false
		}
	}
	return true
}
