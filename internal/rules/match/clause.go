package match

import (
	"math"
	"slices"
	"strings"
)

// clause is a set of words of which every match holds at least one, in lower case.
type clause struct {
	words []string
	far   int     // the farthest that the end of the word can be from the beginning of the match, in bytes; -1: no bound
	bits  float64 // how rare it is for ordinary text to hold one of them: 2^-bits for each byte
}

// join adds d to c; false where that gets too much.
func (c *clause) join(d clause) bool {
	if len(c.words) == 0 {
		*c = clause{words: slices.Clone(d.words), far: d.far}
		return true
	}
	c.words = append(c.words, d.words...)
	if c.far < 0 || d.far < 0 {
		c.far = unbound
	} else {
		c.far = max(c.far, d.far)
	}
	return len(c.words) <= maxUnion
}

// best returns the rarest clause, of those with a bound where near.
func best(clauses []clause, near bool) (c clause, ok bool) {
	for _, d := range clauses {
		if (!near || d.far >= 0) && (!ok || d.bits > c.bits) {
			c, ok = d, true
		}
	}
	return c, ok
}

// newClause makes a clause of words.
func newClause(words []string, far int) clause {
	words = slices.Clone(words)
	slices.Sort(words)
	words = slices.Compact(words)
	p := 0.0
	for _, w := range words {
		p += math.Exp2(-rarity(w))
	}
	return clause{words: words, far: far, bits: -math.Log2(p)}
}

// least returns words without those that hold another of them.
func least(words []string) []string {
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	kept := make([]string, 0, len(words))
	for _, w := range slices.Compact(words) {
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.Contains(w, k) }) {
			kept = append(kept, w)
		}
	}
	return kept
}

// rarity estimates how rare a word is in ordinary values: -log2 of its frequency at a place.
func rarity(w string) float64 {
	b := 0.0
	for i := range len(w) {
		b += byteBits(w[i])
	}
	return b
}

func byteBits(c byte) float64 {
	switch {
	case c >= 'a' && c <= 'z':
		if strings.IndexByte("etaoinsrlcd", c) >= 0 {
			return 4
		}
		return 5.5
	case c >= '0' && c <= '9', c == ' ', c == '/', c == '.', c == '-', c == '_', c == '=', c == ':':
		return 5
	case c == '\n', c == '\r', c == ',', c == ';', c == '"', c == '&', c == '(', c == ')', c == '+', c == '\'':
		return 6.5
	}
	return 9
}
