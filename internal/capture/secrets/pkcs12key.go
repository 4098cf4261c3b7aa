package secrets

import "crypto/sha1"

// What a derived key is for (RFC 7292 B.3).
const (
	purposeKey = 1
	purposeIV  = 2
)

// pkcs12Key derives size bytes (at most 24 are asked for) as RFC 7292 B.2 has it, with SHA-1.
func pkcs12Key(password, salt []byte, n int, purpose byte, size int) []byte {
	const block = sha1.BlockSize
	text := append(fill(salt, block), fill(password, block)...)
	in := make([]byte, block, block+len(text))
	for i := range in {
		in[i] = purpose
	}
	var out []byte
	for len(out) < size {
		sum := sha1.Sum(append(in, text...))
		for range n - 1 {
			sum = sha1.Sum(sum[:])
		}
		out = append(out, sum[:]...)
		for at := 0; at < len(text); at += block {
			increase(text[at:at+block], sum[:])
		}
	}
	return out[:size]
}

// fill repeats b up to a whole number of blocks; of nothing it makes nothing.
func fill(b []byte, block int) []byte {
	if len(b) == 0 {
		return nil
	}
	out := make([]byte, (len(b)+block-1)/block*block)
	for i := range out {
		out[i] = b[i%len(b)]
	}
	return out
}

// increase adds to the number in b the one that by makes when it is repeated to b's length, and 1. What does not fit is dropped.
func increase(b, by []byte) {
	carry := 1
	for i := len(b) - 1; i >= 0; i-- {
		carry += int(b[i]) + int(by[i%len(by)])
		b[i] = byte(carry)
		carry >>= 8
	}
}
