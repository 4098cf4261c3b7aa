package tlscrypt

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

var errKeyLen = errors.New("the key has another length than the cipher wants")

// camellia is the block cipher of RFC 3713 with 128 or 256 bits of key. Its subkeys stand in the order in which a block meets them:
// two for whitening, then six rounds and two for FL and its inverse in turn, six rounds, two for whitening.
type camellia struct{ enc, dec []uint64 }

func newCamellia(key []byte) (cipher.Block, error) {
	var k camelliaKeys
	switch len(key) {
	case 16:
		k.expand(load128(key), [2]uint64{})
		c := &camellia{enc: k.subkeys128()}
		c.dec = backwards(c.enc)
		return c, nil
	case 32:
		k.expand(load128(key), load128(key[16:]))
		c := &camellia{enc: k.subkeys256()}
		c.dec = backwards(c.enc)
		return c, nil
	}
	return nil, errKeyLen
}

// backwards orders subkeys for decryption (RFC 3713 section 2.3.2): all in reverse, but the halves of the whitening keys.
func backwards(enc []uint64) []uint64 {
	dec := slices.Clone(enc)
	slices.Reverse(dec)
	n := len(dec)
	dec[0], dec[1], dec[n-2], dec[n-1] = dec[1], dec[0], dec[n-1], dec[n-2]
	return dec
}

func (c *camellia) BlockSize() int          { return 16 }
func (c *camellia) Encrypt(dst, src []byte) { camelliaCrypt(c.enc, dst, src) }
func (c *camellia) Decrypt(dst, src []byte) { camelliaCrypt(c.dec, dst, src) }

func camelliaCrypt(k []uint64, dst, src []byte) {
	_, _ = src[15], dst[15]
	a, b := binary.BigEndian.Uint64(src)^k[0], binary.BigEndian.Uint64(src[8:])^k[1]
	for k = k[2:]; ; k = k[8:] {
		_ = k[7]
		b ^= camelliaF(a ^ k[0])
		a ^= camelliaF(b ^ k[1])
		b ^= camelliaF(a ^ k[2])
		a ^= camelliaF(b ^ k[3])
		b ^= camelliaF(a ^ k[4])
		a ^= camelliaF(b ^ k[5])
		if len(k) == 8 {
			break
		}
		a, b = camelliaFL(a, k[6]), camelliaFLInverse(b, k[7])
	}
	binary.BigEndian.PutUint64(dst, b^k[6])
	binary.BigEndian.PutUint64(dst[8:], a^k[7])
}

// The columns of Camellia's P function: which of the eight bytes take up byte 1 to 8 of its input (RFC 3713 section 2.4.1). A byte times
// its column is that byte in all those places.
const (
	camelliaP1 = 0x0101010001000001
	camelliaP2 = 0x0001010101010000
	camelliaP3 = 0x0100010100010100
	camelliaP4 = 0x0101000100000101
	camelliaP5 = 0x0001010100010101
	camelliaP6 = 0x0100010101000101
	camelliaP7 = 0x0101000101010001
	camelliaP8 = 0x0101010001010100
)

// camelliaF is the F function, the subkey already added.
func camelliaF(x uint64) uint64 {
	two := func(b uint64) uint64 { return uint64(bits.RotateLeft8(camelliaS[b&0xff], 1)) }
	three := func(b uint64) uint64 { return uint64(bits.RotateLeft8(camelliaS[b&0xff], 7)) }
	four := func(b uint64) uint64 { return uint64(camelliaS[bits.RotateLeft8(byte(b), 1)]) }
	return uint64(camelliaS[x>>56])*camelliaP1 ^ two(x>>48)*camelliaP2 ^ three(x>>40)*camelliaP3 ^ four(x>>32)*camelliaP4 ^
		two(x>>24)*camelliaP5 ^ three(x>>16)*camelliaP6 ^ four(x>>8)*camelliaP7 ^ uint64(camelliaS[x&0xff])*camelliaP8
}

func camelliaFL(x, k uint64) uint64 {
	left, right := uint32(x>>32), uint32(x)
	right ^= bits.RotateLeft32(left&uint32(k>>32), 1)
	left ^= right | uint32(k)
	return uint64(left)<<32 | uint64(right)
}

func camelliaFLInverse(y, k uint64) uint64 {
	left, right := uint32(y>>32), uint32(y)
	left ^= right | uint32(k)
	right ^= bits.RotateLeft32(left&uint32(k>>32), 1)
	return uint64(left)<<32 | uint64(right)
}
