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
		a.dec = append(a.dec, ariaDiffuse(a.enc[i][0], a.enc[i][1]))
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
	binary.BigEndian.PutUint64(dst, ariaEvenBoxes(x[0])^k[2][0])
	binary.BigEndian.PutUint64(dst[8:], ariaEvenBoxes(x[1])^k[2][1])
}

// ariaOdd and ariaEven are the round functions FO and FE without the key (RFC 5794 section 2.4.1).
func ariaOdd(x [2]uint64) [2]uint64 { return ariaDiffuse(ariaOddBoxes(x[0]), ariaOddBoxes(x[1])) }
func ariaEven(x [2]uint64) [2]uint64 {
	return ariaDiffuse(ariaEvenBoxes(x[0]), ariaEvenBoxes(x[1]))
}

// ariaOddBoxes is half of the substitution layer SL1.
func ariaOddBoxes(x uint64) uint64 {
	return uint64(ariaS1[x>>56])<<56 | uint64(ariaS2[x>>48&0xff])<<48 | uint64(ariaS3[x>>40&0xff])<<40 | uint64(ariaS4[x>>32&0xff])<<32 |
		uint64(ariaS1[x>>24&0xff])<<24 | uint64(ariaS2[x>>16&0xff])<<16 | uint64(ariaS3[x>>8&0xff])<<8 | uint64(ariaS4[x&0xff])
}

// ariaEvenBoxes is half of SL2.
func ariaEvenBoxes(x uint64) uint64 {
	return uint64(ariaS3[x>>56])<<56 | uint64(ariaS4[x>>48&0xff])<<48 | uint64(ariaS1[x>>40&0xff])<<40 | uint64(ariaS2[x>>32&0xff])<<32 |
		uint64(ariaS3[x>>24&0xff])<<24 | uint64(ariaS4[x>>16&0xff])<<16 | uint64(ariaS1[x>>8&0xff])<<8 | uint64(ariaS2[x&0xff])
}

// ariaDiffuse is the diffusion layer A (RFC 5794 section 2.4.3): a byte times its column is that byte in all the places that take it up.
func ariaDiffuse(hi, lo uint64) (y [2]uint64) {
	for i := range 8 {
		shift := 56 - 8*i
		a, b := hi>>shift&0xff, lo>>shift&0xff
		y[0] ^= a*ariaA[i][0] ^ b*ariaA[8+i][0]
		y[1] ^= a*ariaA[i][1] ^ b*ariaA[8+i][1]
	}
	return y
}

// ariaA is A by columns: which of the sixteen bytes take up byte 0 to 15.
var ariaA = [16][2]uint64{
	{0x0000000101000100, 0x0101000000010100}, {0x0000010000010001, 0x0101000001000001},
	{0x0001000001000100, 0x0000010101000001}, {0x0100000000010001, 0x0000010100010100},
	{0x0100010000010000, 0x0100000100000101}, {0x0001000101000000, 0x0001010000000101},
	{0x0100010000000001, 0x0001010001010000}, {0x0001000100000100, 0x0100000101010000},
	{0x0101000001000001, 0x0000010000010001}, {0x0101000000010100, 0x0000000101000100},
	{0x0000010100010100, 0x0100000000010001}, {0x0000010101000001, 0x0001000001000100},
	{0x0001010000000101, 0x0001000101000000}, {0x0100000100000101, 0x0100010000010000},
	{0x0100000101010000, 0x0001000100000100}, {0x0001010001010000, 0x0100010000000001},
}
