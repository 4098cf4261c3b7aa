package match

import (
	"math/bits"
	"slices"
	"strings"
)

// dictionary is a list of words, to find out which of them stands where.
type dictionary struct {
	words []string        // in lower case, sorted
	empty bool            // the empty word is the only one: it is in every value
	own   *filter         // of these words alone; nil where they are very many
	pairs [1 << 10]uint64 // a bit for each two bytes, in lower case, with which a word begins
	lone  [4]uint64       // the same for the words of one byte
}

// ownWords is how many words may have a filter of their own.
const ownWords = 5000

func newDictionary(words []string) *dictionary {
	d := &dictionary{}
	for _, w := range words {
		d.words = append(d.words, lowered(w))
	}
	slices.Sort(d.words)
	d.words = slices.Compact(d.words)
	if len(d.words) > 0 && d.words[0] == "" {
		d.words, d.empty = d.words[1:], len(d.words) == 1
	}
	for _, w := range d.words {
		if len(w) == 1 {
			d.lone[w[0]>>6] |= 1 << (w[0] & 63)
			continue
		}
		k := uint16(w[0])<<8 | uint16(w[1])
		d.pairs[k>>6] |= 1 << (k & 63)
	}
	if len(d.words) > 0 && len(d.words) <= ownWords {
		d.own = newFilter()
		for _, w := range newClause(d.words, 0).words {
			d.own.add(w)
		}
		d.own.seal()
	}
	return d
}

// longChecked is how long a word may be, in bytes, to be left out of least: those beyond it are few.
const longChecked = 256

// least returns the words without those that hold another of them, shortest first: a value without any of these has no word at all. The time
// grows with the bytes of all words, not with pairs of them.
func (d *dictionary) least() []string {
	var heads []string // of words that begin alike the shortest, which in their order comes first
	for _, w := range d.words {
		if n := len(heads); n == 0 || !strings.HasPrefix(w, heads[n-1]) {
			heads = append(heads, w)
		}
	}
	b := newBeginnings(heads)
	kept := make([]string, 0, len(heads))
	for _, w := range heads {
		holds := false
		for i := 1; i < len(w) && len(w) <= longChecked && !holds; i++ {
			holds = b.in(w[i:])
		}
		if !holds {
			kept = append(kept, w)
		}
	}
	slices.SortStableFunc(kept, func(a, b string) int { return len(a) - len(b) })
	return kept
}

// beginnings finds out whether a text begins with one of many words. Most that do not are told by a table of hashes of their first bytes.
type beginnings struct {
	words []string // sorted; none begins with another
	sizes uint     // a bit for each length that words have; most stands for all beyond it
	bits  []uint64
	shift int
}

// most is how many bytes of a word its hash is made of.
const most = 8

func newBeginnings(words []string) *beginnings {
	size := bits.Len(uint(len(words))) + 4 // 16 to 32 bits for each word
	b := &beginnings{words: words, bits: make([]uint64, max(1, 1<<size>>6)), shift: 64 - size}
	for _, w := range words {
		h := uint64(0)
		n := min(len(w), most)
		for i := range n {
			h = hashed(h, w[i])
		}
		b.sizes |= 1 << n
		b.bits[h>>b.shift>>6] |= 1 << (h >> b.shift & 63)
	}
	return b
}

// hashed takes one byte more into h, so that its upper bits depend on all of them.
func hashed(h uint64, c byte) uint64 {
	h = (h ^ uint64(c) ^ 0x100) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}

// in reports whether s begins with a word.
func (b *beginnings) in(s string) bool {
	h := uint64(0)
	for i := range min(len(s), most) {
		h = hashed(h, s[i])
		if b.sizes>>(i+1)&1 != 0 && b.bits[h>>b.shift>>6]>>(h>>b.shift&63)&1 != 0 {
			k, found := slices.BinarySearch(b.words, s)
			return found || k > 0 && strings.HasPrefix(s, b.words[k-1]) // as no word begins with another, nothing is between the two
		}
	}
	return false
}

// lowered returns w with its ASCII letters in lower case, all other bytes as they are.
func lowered(w string) string {
	b := []byte(w)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

// longest returns the length of the longest word at the beginning of value, 0 where there is none.
func (d *dictionary) longest(value string) int {
	lo, hi, best := 0, len(d.words), 0
	for n := 0; n < len(value) && lo < hi; n++ {
		b := lower(value[n])
		// All words in lo to hi begin with value[:n]; those of this length come first.
		at := func(i int, b byte) bool { return len(d.words[i]) > n && d.words[i][n] >= b }
		lo = search(lo, hi, func(i int) bool { return at(i, b) })
		if b < 255 {
			hi = search(lo, hi, func(i int) bool { return at(i, b+1) })
		}
		if lo < hi && len(d.words[lo]) == n+1 {
			best = n + 1
		}
	}
	return best
}

// search returns the first index from lo to before hi for which f holds, or hi.
func search(lo, hi int, f func(int) bool) int {
	for lo < hi {
		if m := (lo + hi) / 2; f(m) {
			hi = m
		} else {
			lo = m + 1
		}
	}
	return lo
}

// find appends up to limit words of value, leftmost and longest first, as pairs of offsets. Of each place the longest word counts, and the
// next may begin within it: so the engine does that rules were written for.
func (d *dictionary) find(value string, limit int, dst []int) []int {
	for i := 0; i < len(value) && limit > 0; i++ {
		if !d.begins(value, i) {
			continue
		}
		if n := d.longest(value[i:]); n > 0 {
			dst = append(dst, i, i+n)
			limit--
		}
	}
	return dst
}

// begins reports whether a word may begin at a place of value.
func (d *dictionary) begins(value string, at int) bool {
	a := lower(value[at])
	if d.lone[a>>6]>>(a&63)&1 != 0 {
		return true
	}
	if at+1 == len(value) {
		return false
	}
	k := uint16(a)<<8 | uint16(lower(value[at+1]))
	return d.pairs[k>>6]>>(k&63)&1 != 0
}

// WordCount returns how many different words the list of pattern i has; 0 where it is an expression.
func (s *Set) WordCount(i int) int {
	if d := s.patterns[i].words; d != nil {
		return len(d.words)
	}
	return 0
}

func (d *dictionary) memory() int64 {
	return int64(len(strings.Join(d.words, ""))) + int64(len(d.words))*16 + 9<<10
}
