package match

import "encoding/binary"

// blockSize is how many bytes of a value are gone over before the words that may end in them are compared.
const blockSize = 256

// block is a part of a value with what stands before and behind it; zeros where nothing does.
type block struct {
	bytes [window + blockSize + window]byte
	marks [2 * blockSize]uint16   // places where a gram may end
	slots [4*blockSize + 4]uint32 // grams that end there: their slot, and the place
	hits  []uint64                // words that may stand there: their entry, and the place
}

// fill takes value from at on and returns how many bytes fit.
func (b *block) fill(value string, at int) int {
	n := min(blockSize, len(value)-at)
	from, to := max(0, at-window), min(len(value), at+n+window)
	clear(b.bytes[:window])
	copy(b.bytes[window-(at-from):], value[from:to])
	clear(b.bytes[window+to-at : n+2*window])
	return n
}

// mark goes over n bytes of a block behind the codes of seq. It returns how many marks it made, the kinds of bytes that occur, and the last codes.
// Nothing in it depends on what is found, so that the processor works on several bytes at once.
func (f *filter) mark(b *block, n int, seq uint32) (marks int, kinds uint64, last uint32) {
	tab, code, gate := &f.tab, &f.code, f.gate
	mask := uint32(len(gate)*64 - 1)
	k := 0
	for i, c := range b.bytes[window : window+n] {
		kinds |= tab[c]
		seq = (seq<<codeBits | uint32(code[c])) & mask
		b.marks[k&(2*blockSize-1)] = uint16(i)
		k += int(gate[seq>>6] >> (seq & 63) & 1)
	}
	return k, kinds, seq
}

// slots finds the slots of the grams that end at marks. Like all steps of a pass it goes on without a decision wherever it can: on a value full of
// words nobody could foresee how it turns out.
func (f *filter) slots(b *block, marks int) []uint32 {
	tab, four, three, two := &f.tab, &f.four, &f.three, &f.two
	k := 0
	for _, i := range b.marks[:marks] {
		t := b.bytes[window-3+int(i):][:4]
		m := tab[t[3]]
		w := uint32(uint8(tab[t[0]]))<<24 | uint32(uint8(tab[t[1]]))<<16 | uint32(uint8(tab[t[2]]))<<8 | uint32(uint8(m))
		h4, h3, h2, h1 := w*spread, w<<8*spread, w<<16*spread, w<<24*spread
		b.slots[k] = h4>>f.shift<<10 | uint32(i)
		k += int(four[h4>>21] >> (h4 >> 15 & 63) & 1)
		b.slots[k] = h3>>f.shift<<10 | uint32(i)
		k += int(three[h3>>23] >> (h3 >> 17 & 63) & 1)
		b.slots[k] = h2>>f.shift<<10 | uint32(i)
		k += int(two[h2>>25] >> (h2 >> 19 & 63) & 1)
		b.slots[k] = h1>>f.shift<<10 | uint32(i)
		k += int(m >> 63)
	}
	return b.slots[:k]
}

// compare compares the words in slots with what stands there. It returns those that may be there: entries and places.
func (f *filter) compare(b *block, slots []uint32) []uint64 {
	k := 0
	for _, s := range slots {
		i := int(s & 1023)
		from, to := f.heads[s>>10], f.heads[s>>10+1]
		if more := k + int(to-from) + 2; more > len(b.hits) {
			b.hits = append(b.hits, make([]uint64, more)...)
		}
		for ; from < to; from++ {
			e := &f.entry[from]
			p := window + 1 + i - int(e.rest&backMask)
			b.hits[k] = uint64(from)<<32 | uint64(i)
			if (binary.LittleEndian.Uint64(b.bytes[p:p+window])|e.fold)&e.mask == e.text {
				k++
			}
		}
	}
	return b.hits[:k]
}

// pass goes over value once. What it finds stands in x; it returns the kinds of bytes that occur.
func (f *filter) pass(x *Scratch, value string) (kinds uint64) {
	b, seq := &x.block, uint32(0)
	for at := 0; at < len(value); at += blockSize {
		marks, more, last := f.mark(b, b.fill(value, at), seq)
		kinds, seq = kinds|more, last
		for _, h := range f.compare(b, f.slots(b, marks)) {
			e, end := &f.entry[h>>32], at+int(uint32(h))+1
			if f.stands(e, value, end) {
				x.found(e.word, end+int(e.rest>>afterShift))
			}
		}
	}
	return kinds
}

// any reports whether a word of f stands in value.
func (f *filter) any(b *block, value string) bool {
	seq := uint32(0)
	for at := 0; at < len(value); at += blockSize {
		marks, _, last := f.mark(b, b.fill(value, at), seq)
		seq = last
		for _, h := range f.compare(b, f.slots(b, marks)) {
			if f.stands(&f.entry[h>>32], value, at+int(uint32(h))+1) {
				return true
			}
		}
	}
	return false
}

// stands reports whether a word of which the window is there stands in value, its gram ending before end.
func (f *filter) stands(e *entry, value string, end int) bool {
	to := end + int(e.rest>>afterShift)
	w := f.words[e.word]
	from := to - int(w.n)
	if from < 0 || to > len(value) {
		return false
	}
	if e.rest&wholeBit == 0 {
		return true
	}
	part, text := value[from:to], f.text[w.from:][:w.n]
	for i := range len(part) {
		if f.tab[part[i]]&foldMask != uint64(text[i]) {
			return false
		}
	}
	return true
}
