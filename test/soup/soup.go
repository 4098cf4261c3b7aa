package soup

import (
	"math/rand/v2"
	"strings"
)

// Of is n bytes of random words with up to two random signs behind each.
func Of(r *rand.Rand, words []string, n int) string {
	const signs = " \t'\"`()<>;:,.=+-*/\\|&%#@!?[]{}$^~_0123456789"
	return Mixed(r, words, n, func(b *strings.Builder) {
		for range r.IntN(3) {
			b.WriteByte(signs[r.IntN(len(signs))])
		}
	})
}

// Mixed is n bytes of random words; between writes what stands behind each of them.
func Mixed(r *rand.Rand, words []string, n int, between func(b *strings.Builder)) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		between(&b)
	}
	return b.String()[:n]
}
