package match

import (
	"math"
	"math/bits"
	"slices"
)

// filter finds all words of a set in a value, in one pass. Of each word one gram (one to four bytes, the rarest that serves) is looked for. A gate
// that knows bytes by a code of five bits lets a place through or not; there, tables of bits tell which grams end, and the words that have them are
// compared. See pass.
type filter struct {
	code   [256]uint8  // of each byte: its code of five bits
	gate   []uint64    // a bit for each sequence of codes: whether a gram may end with it
	tab    [256]uint64 // of each byte: the byte in lower case, its kind (bits 8 to 62), and whether it is a word by itself (bit 63)
	four   [2048]uint64
	three  [512]uint64
	two    [128]uint64
	heads  []uint32 // of each gram's slot: where its entries begin
	shift  uint8    // of a hash, to get a slot
	entry  []entry
	text   string // all words
	spell  []byte // the same while it grows
	words  []word
	index  map[string]uint32
	memory int64
}

// word is a part of filter.text.
type word struct{ from, n uint32 }

// entry is a word under its gram. Up to eight bytes of it are compared at once: those that stand in a value from back bytes before the end of the
// gram on.
type entry struct {
	text uint64
	mask uint64 // of the bytes that are compared
	fold uint64 // bits that tell upper from lower case, where the word has letters
	word uint32
	rest uint32 // bytes behind the gram, times 32; plus wholeBit where more than these eight are to be compared; plus back
}

const (
	backMask   = 15
	wholeBit   = 16
	afterShift = 5
	window     = 8 // bytes that are compared at once
)

const (
	foldMask  = 0xff
	soleBit   = 1 << 63
	kindBits  = 55
	kindShift = 8
	spread    = 0x9E3779B1
	maxSlots  = 14 // bits
)

// slot is the place of a gram of n bytes among the entries.
func (f *filter) slot(gram uint32, n uint8) uint32 { return gram << (32 - 8*n) * spread >> f.shift }

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
	placed := make([][]entry, slots)
	length := 3
	if len(f.words) > fewWords {
		length = 4
	}
	f.code, f.gate = codes(), make([]uint64, 1<<(codeBits*length)>>6)
	for _, n := range order {
		f.place(n, loads, common, placed)
	}
	f.heads = make([]uint32, 1, slots+1)
	for _, list := range placed {
		f.entry = append(f.entry, list...)
		f.heads = append(f.heads, uint32(len(f.entry)))
	}
	f.index = nil
	f.memory = int64(len(f.text)) + int64(len(f.words))*8 + int64(len(f.entry))*32 + int64(len(f.heads))*4 + int64(len(f.gate))*8 + 16<<10
}

// place chooses the gram of a word: one that few words share, and of those the rarest in ordinary text.
func (f *filter) place(n uint32, loads map[uint64]int, common map[uint32]bool, placed [][]entry) {
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
			cost += 2 * float64(load)
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
	slot := f.slot(g, uint8(size))
	placed[slot] = append(placed[slot], newEntry(w, n, bestAt+size))
	f.open(w[bestAt : bestAt+size])
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

// open lets a gram through the gate, whatever stands before it.
func (f *filter) open(gram string) {
	seq, all := uint32(0), uint32(len(f.gate)*64)
	for i := range len(gram) {
		seq = (seq<<codeBits | uint32(f.code[gram[i]])) & (all - 1)
	}
	step := min(uint32(1)<<(codeBits*len(gram)), all)
	for ; seq < all; seq += step {
		f.gate[seq>>6] |= 1 << (seq & 63)
	}
}

const (
	codeBits = 5
	fewWords = 500 // up to which the gate looks at three bytes, 4 KiB, above at four, 128 KiB
)

// codes gives each letter a code, and the other bytes the six that are left.
func codes() (of [256]uint8) {
	for b := range 256 {
		c := lower(byte(b))
		switch {
		case c >= 'a' && c <= 'z':
			of[b] = c - 'a'
		case c >= '0' && c <= '9':
			of[b] = 26
		case c == ' ', c >= '\t' && c <= '\r':
			of[b] = 27
		case c == '.', c == ',', c == '-', c == '_':
			of[b] = 28
		case c == '/', c == ':', c == '=', c == '&', c == '+', c == '%', c == '?':
			of[b] = 29
		case c > ' ' && c < 0x7f:
			of[b] = 30
		default:
			of[b] = 31
		}
	}
	return of
}

func gram(s string) (g uint32) {
	for i := range len(s) {
		g = g<<8 | uint32(s[i])
	}
	return g
}

// newEntry makes the entry of word n, whose gram ends before w[end].
func newEntry(w string, n uint32, end int) entry {
	back := min(end, window)
	e := entry{word: n, rest: uint32(len(w)-end)<<afterShift | uint32(back)}
	from := end - back
	for i := range min(len(w)-from, window) {
		c := uint64(w[from+i])
		e.text |= c << (8 * i)
		e.mask |= 0xff << (8 * i)
		if c >= 'a' && c <= 'z' {
			e.fold |= 0x20 << (8 * i)
		}
	}
	if from > 0 || len(w) > window {
		e.rest |= wholeBit
	}
	return e
}
