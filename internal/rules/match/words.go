package match

import (
	"slices"
	"strings"
)

// dictionary is a list of words, to find out which of them stands where.
type dictionary struct {
	words []string // in lower case, sorted
	empty bool     // the empty word is the only one: it is in every value
}

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
	return d
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
		if n := d.longest(value[i:]); n > 0 {
			dst = append(dst, i, i+n)
			limit--
		}
	}
	return dst
}

func (d *dictionary) memory() int64 {
	return int64(len(strings.Join(d.words, ""))) + int64(len(d.words))*16 + 1088
}
