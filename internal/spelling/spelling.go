// Package spelling finds the word that was meant where one is unknown.
//
// Input: what was typed, and the words that there are. Output: the nearest of them, or how far two are apart. Promises: words are bytes; the cost
// is bounded, since words of more than [MaxWord] bytes are near none. Non-goals: how sentences name what was found, other alphabets.
package spelling

import "strings"

// MaxWord is how long a word may be that is compared, in bytes.
const MaxWord = 64

// Nearest returns the one of words that is closest to word, in any case, the first of several; "" where none is close: at most a third of its
// letters may differ, of two letters one; a single letter is near none.
func Nearest(word string, words []string) string {
	if len(word) < 2 {
		return ""
	}
	best, bound := "", max(1, len(word)/3)+1
	lower := strings.ToLower(word)
	for _, w := range words {
		if w == "" {
			continue
		}
		if d := Distance(lower, strings.ToLower(w), bound); d < bound {
			best, bound = w, d
		}
	}
	return best
}

// Distance counts the bytes to insert, delete, change or swap with their neighbour that make b of a. It is bound where that is bound or more, or
// where a or b has more than MaxWord bytes.
func Distance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound || max(len(a), len(b)) > MaxWord {
		return bound
	}
	var rows [3][MaxWord + 1]int
	before, last, next := &rows[0], &rows[1], &rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			next[j] = min(change, last[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return min(last[len(b)], bound)
}
