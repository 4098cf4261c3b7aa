package tlscrypt

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// ErrPreMaster says that an encrypted pre-master secret does not open under this key: it was encrypted for another, or altered.
var ErrPreMaster = errors.New("decrypt pre-master secret: it does not fit this key")

// DecryptPreMaster opens the pre-master secret of the RSA key exchange (RFC 8017 section 7.2.2, RFC 5246 section 7.4.7.1); encrypted
// comes without its length. It works for keys of any size and with primes in any order, which crypto/rsa refuses, and takes a
// time that depends on the key: it is for what was recorded.
func DecryptPreMaster(key *rsa.PrivateKey, encrypted []byte) ([]byte, error) {
	size := (key.N.BitLen() + 7) / 8
	if len(encrypted) != size {
		return nil, fmt.Errorf("%w: %d bytes, the key has %d", ErrPreMaster, len(encrypted), size)
	}
	c := new(big.Int).SetBytes(encrypted)
	if key.N.Sign() <= 0 || c.Cmp(key.N) >= 0 {
		return nil, ErrPreMaster
	}
	block := rsaPower(key, c).FillBytes(make([]byte, size))
	// 00 02, at least eight bytes that are not 0, a 0, and the secret
	start := size - PreMasterLen
	if start < 11 || block[0] != 0 || block[1] != 2 || block[start-1] != 0 {
		return nil, ErrPreMaster
	}
	for _, b := range block[2 : start-1] {
		if b == 0 {
			return nil, ErrPreMaster
		}
	}
	return block[start:], nil
}

// rsaPower is c to the private exponent, by the two primes where there are two.
func rsaPower(key *rsa.PrivateKey, c *big.Int) *big.Int {
	if len(key.Primes) != 2 {
		return new(big.Int).Exp(c, key.D, key.N)
	}
	p, q := key.Primes[0], key.Primes[1]
	inverse := new(big.Int)
	if p.BitLen() < 2 || q.BitLen() < 2 || inverse.ModInverse(q, p) == nil || new(big.Int).Mul(p, q).Cmp(key.N) != 0 {
		return new(big.Int).Exp(c, key.D, key.N)
	}
	mp, mq := primePower(c, key.D, p), primePower(c, key.D, q)
	h := new(big.Int).Sub(mp, mq)
	h.Mul(h, inverse).Mod(h, p)
	return h.Mul(h, q).Add(h, mq)
}

// primePower is c^d mod p for a prime p.
func primePower(c, d, p *big.Int) *big.Int {
	less := new(big.Int).Sub(p, big.NewInt(1))
	return new(big.Int).Exp(new(big.Int).Mod(c, p), less.Mod(d, less), p)
}

// PSKPreMaster is the pre-master secret of a pre-shared key (RFC 4279 section 2): other is the secret beside it, which is the 48 bytes of
// RSA_PSK, the shared secret of DHE_PSK or ECDHE_PSK (RFC 5489), or nil for plain PSK. Both are at most 65,535 bytes.
func PSKPreMaster(other, psk []byte) ([]byte, error) {
	if len(other) > 0xffff || len(psk) > 0xffff {
		return nil, fmt.Errorf("make pre-master secret: %d and %d bytes are more than it holds", len(other), len(psk))
	}
	if other == nil {
		other = make([]byte, len(psk))
	}
	out := make([]byte, 0, 4+len(other)+len(psk))
	out = append(append(out, byte(len(other)>>8), byte(len(other))), other...)
	return append(append(out, byte(len(psk)>>8), byte(len(psk))), psk...), nil
}
