package tlscrypt

import "encoding/binary"

// camelliaKeys is KL, KR, KA and KB of RFC 3713 section 2.2.
type camelliaKeys struct{ l, r, a, b [2]uint64 }

func load128(b []byte) [2]uint64 {
	return [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// rotate turns x left by n bits, 0..127.
func rotate(x [2]uint64, n uint) [2]uint64 {
	if n >= 64 {
		x[0], x[1] = x[1], x[0]
		n -= 64
	}
	return [2]uint64{x[0]<<n | x[1]>>(64-n), x[1]<<n | x[0]>>(64-n)}
}

func xor128(x, y [2]uint64) [2]uint64 { return [2]uint64{x[0] ^ y[0], x[1] ^ y[1]} }

// expand makes KA and KB of the two halves of the key.
func (k *camelliaKeys) expand(l, r [2]uint64) {
	k.l, k.r = l, r
	d := xor128(l, r)
	d[1] ^= camelliaF(d[0] ^ 0xa09e667f3bcc908b)
	d[0] ^= camelliaF(d[1] ^ 0xb67ae8584caa73b2)
	d = xor128(d, l)
	d[1] ^= camelliaF(d[0] ^ 0xc6ef372fe94f82be)
	d[0] ^= camelliaF(d[1] ^ 0x54ff53a5f1d36f1c)
	k.a = d
	d = xor128(d, r)
	d[1] ^= camelliaF(d[0] ^ 0x10e527fade682d1d)
	d[0] ^= camelliaF(d[1] ^ 0xb05688c2b3e6c1fd)
	k.b = d
}

// turned is one of the four keys, turned left.
type turned struct {
	key [2]uint64
	by  uint
}

func subkeys(pairs []turned) []uint64 {
	out := make([]uint64, 0, 2*len(pairs))
	for _, p := range pairs {
		x := rotate(p.key, p.by)
		out = append(out, x[0], x[1])
	}
	return out
}

func (k *camelliaKeys) subkeys128() []uint64 {
	nine := [2]uint64{rotate(k.a, 45)[0], rotate(k.l, 60)[1]} // k9 and k10 are halves of two
	return subkeys([]turned{{k.l, 0},
		{k.a, 0}, {k.l, 15}, {k.a, 15}, {k.a, 30},
		{k.l, 45}, {nine, 0}, {k.a, 60}, {k.l, 77},
		{k.l, 94}, {k.a, 94}, {k.l, 111}, {k.a, 111}})
}

func (k *camelliaKeys) subkeys256() []uint64 {
	return subkeys([]turned{{k.l, 0},
		{k.b, 0}, {k.r, 15}, {k.a, 15}, {k.r, 30},
		{k.b, 30}, {k.l, 45}, {k.a, 45}, {k.l, 60},
		{k.r, 60}, {k.b, 60}, {k.l, 77}, {k.a, 77},
		{k.r, 94}, {k.a, 94}, {k.l, 111}, {k.b, 111}})
}
