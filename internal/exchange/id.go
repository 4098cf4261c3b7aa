package exchange

import (
	"math/rand/v2"
	"time"
)

const idAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns a request id: 26 characters of Crockford base 32, 48 bits of milliseconds and 80 random bits.
// It names a request, it protects nothing.
func NewID(now time.Time) string {
	var out [26]byte
	ms := uint64(now.UnixMilli())
	for i := 9; i >= 0; i-- {
		out[i] = idAlphabet[ms&31]
		ms >>= 5
	}
	a, b := rand.Uint64(), rand.Uint64()
	for i := 10; i < 18; i++ {
		out[i] = idAlphabet[a&31]
		a >>= 5
	}
	for i := 18; i < 26; i++ {
		out[i] = idAlphabet[b&31]
		b >>= 5
	}
	return string(out[:])
}
