package tlscrypt

import (
	"crypto/cipher"
	"encoding/binary"
)

// aria is the block cipher of RFC 5794 with 128 or 256 bits of key.
type aria struct{ enc, dec [][2]uint64 }

func newARIA(key []byte) (cipher.Block, error) {
	c1, c2, c3 := [2]uint64{0x517cc1b727220a94, 0xfe13abe8fa9a6ee0}, [2]uint64{0x6db14acc9e21c820, 0xff28b1d5ef5de2b0},
		[2]uint64{0xdb92371d2126e970, 0x0324977504e8c90e}
	switch len(key) {
	case 16:
		return ariaExpand(12, load128(key), [2]uint64{}, c1, c2, c3), nil
	case 32:
		return ariaExpand(16, load128(key), load128(key[16:]), c3, c1, c2), nil
	}
	return nil, errKeyLen
}

// ariaExpand is the key schedule (RFC 5794 section 2.2).
func ariaExpand(rounds int, left, right, c1, c2, c3 [2]uint64) *aria {
	var w [4][2]uint64
	w[0] = left
	w[1] = xor128(ariaOdd(xor128(w[0], c1)), right)
	w[2] = xor128(ariaEven(xor128(w[1], c2)), w[0])
	w[3] = xor128(ariaOdd(xor128(w[2], c3)), w[1])
	a := &aria{}
	for i := range rounds + 1 {
		turn := [...]uint{128 - 19, 128 - 31, 61, 31, 19}[i/4] // to the left
		one, other := w[i%4], w[(i+1)%4]
		if i%4 == 3 {
			one, other = w[3], w[0]
		}
		a.enc = append(a.enc, xor128(one, rotate(other, turn)))
	}
	a.dec = append(a.dec, a.enc[rounds])
	for i := rounds - 1; i > 0; i-- {
		a.dec = append(a.dec, ariaDiffuse(a.enc[i]))
	}
	a.dec = append(a.dec, a.enc[0])
	return a
}

func (a *aria) BlockSize() int          { return 16 }
func (a *aria) Encrypt(dst, src []byte) { ariaCrypt(a.enc, dst, src) }
func (a *aria) Decrypt(dst, src []byte) { ariaCrypt(a.dec, dst, src) }

func ariaCrypt(k [][2]uint64, dst, src []byte) {
	_, _ = src[15], dst[15]
	x := load128(src)
	for ; len(k) > 3; k = k[2:] {
		x = ariaOdd(xor128(x, k[0]))
		x = ariaEven(xor128(x, k[1]))
	}
	x = ariaOdd(xor128(x, k[0]))
	x = xor128(x, k[1])
	hi := ariaSubstitute(x[0]) ^ k[2][0]
	lo := ariaSubstitute(x[1]) ^ k[2][1]
	binary.BigEndian.PutUint64(dst, hi)
	binary.BigEndian.PutUint64(dst[8:], lo)
}

// ariaSubstitute is half of the substitution layer of even rounds, which the last one ends in.
func ariaSubstitute(x uint64) uint64 {
	return uint64(ariaS3[x>>56])<<56 | uint64(ariaS4[x>>48&0xff])<<48 | uint64(ariaS1[x>>40&0xff])<<40 | uint64(ariaS2[x>>32&0xff])<<32 |
		uint64(ariaS3[x>>24&0xff])<<24 | uint64(ariaS4[x>>16&0xff])<<16 | uint64(ariaS1[x>>8&0xff])<<8 | uint64(ariaS2[x&0xff])
}

// ariaOdd and ariaEven are the round functions FO and FE without the key (RFC 5794 section 2.4.1).
func ariaOdd(x [2]uint64) [2]uint64  { return ariaLayer(x, &ariaS1, &ariaS2, &ariaS3, &ariaS4) }
func ariaEven(x [2]uint64) [2]uint64 { return ariaLayer(x, &ariaS3, &ariaS4, &ariaS1, &ariaS2) }

// ariaLayer is a substitution layer, whose boxes take turns, and the diffusion layer: a byte times its column of ariaA is that byte in
// all the places that take it up.
func ariaLayer(x [2]uint64, a, b, c, d *[256]byte) (y [2]uint64) {
	for i := range 4 {
		w := uint32(x[i/2] >> (32 * (1 - i%2)))
		m := &ariaA[i]
		p, q, r, s := uint64(a[w>>24]), uint64(b[w>>16&0xff]), uint64(c[w>>8&0xff]), uint64(d[w&0xff])
		y[0] ^= p*m[0][0] ^ q*m[1][0] ^ r*m[2][0] ^ s*m[3][0]
		y[1] ^= p*m[0][1] ^ q*m[1][1] ^ r*m[2][1] ^ s*m[3][1]
	}
	return y
}

// ariaDiffuse is the diffusion layer alone.
func ariaDiffuse(x [2]uint64) (y [2]uint64) {
	for i := range 16 {
		b, m := x[i/8]>>(56-8*(i%8))&0xff, &ariaA[i/4][i%4]
		y[0] ^= b * m[0]
		y[1] ^= b * m[1]
	}
	return y
}

// ariaA is the diffusion layer A by columns (RFC 5794 section 2.4.3): which of the sixteen bytes take up byte 0 to 15.
var ariaA = [4][4][2]uint64{
	{{0x0000000101000100, 0x0101000000010100}, {0x0000010000010001, 0x0101000001000001},
		{0x0001000001000100, 0x0000010101000001}, {0x0100000000010001, 0x0000010100010100}},
	{{0x0100010000010000, 0x0100000100000101}, {0x0001000101000000, 0x0001010000000101},
		{0x0100010000000001, 0x0001010001010000}, {0x0001000100000100, 0x0100000101010000}},
	{{0x0101000001000001, 0x0000010000010001}, {0x0101000000010100, 0x0000000101000100},
		{0x0000010100010100, 0x0100000000010001}, {0x0000010101000001, 0x0001000001000100}},
	{{0x0001010000000101, 0x0001000101000000}, {0x0100000100000101, 0x0100010000010000},
		{0x0100000101010000, 0x0001000100000100}, {0x0001010001010000, 0x0100010000000001}},
}
