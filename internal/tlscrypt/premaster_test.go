package tlscrypt

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

// smallKey makes an RSA key of any size, which crypto/rsa does not.
func smallKey(t *testing.T, bits int, seed uint64) *rsa.PrivateKey {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	prime := func(bits int) *big.Int {
		for {
			p := new(big.Int)
			for range bits {
				p.Lsh(p, 1).Or(p, big.NewInt(int64(r.IntN(2))))
			}
			p.SetBit(p, bits-1, 1).SetBit(p, bits-2, 1).SetBit(p, 0, 1)
			if p.ProbablyPrime(10) && new(big.Int).Mod(p, big.NewInt(65537)).Int64() != 1 {
				return p
			}
		}
	}
	p, q := prime(bits/2), prime(bits-bits/2)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: new(big.Int).ModInverse(big.NewInt(65537), phi),
		Primes: []*big.Int{p, q}}
}

// encryptTo pads and encrypts, by PKCS #1 v1.5.
func encryptTo(key *rsa.PrivateKey, secret []byte, padding byte) []byte {
	size := (key.N.BitLen() + 7) / 8
	block := bytes.Repeat([]byte{padding}, size)
	block[0], block[1], block[size-len(secret)-1] = 0, 2, 0
	copy(block[size-len(secret):], secret)
	return new(big.Int).Exp(new(big.Int).SetBytes(block), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, size))
}

func TestDecryptPreMaster(t *testing.T) {
	secret := bytes.Repeat([]byte{3, 1, 0}, 16)
	keys := map[string]*rsa.PrivateKey{"2048 bits": captures.RSAKey(t), "512 bits": smallKey(t, 512, 1), "1023 bits": smallKey(t, 1023, 2)}
	small := smallKey(t, 768, 3)
	keys["768 bits"] = small
	turned := *small
	turned.Primes = []*big.Int{small.Primes[1], small.Primes[0]}
	keys["primes in the other order"] = &turned
	bare := *small
	bare.Primes = nil
	keys["no primes"] = &bare
	wrong := *small
	wrong.Primes = []*big.Int{big.NewInt(1), small.N}
	keys["primes that are none"] = &wrong
	for name, key := range keys {
		if got, err := DecryptPreMaster(key, encryptTo(key, secret, 0xff)); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
		for what, encrypted := range map[string][]byte{
			"47 bytes":          encryptTo(key, secret[1:], 0xff),
			"zeros in between":  encryptTo(key, secret, 0),
			"nothing":           nil,
			"one byte too many": append([]byte{0}, encryptTo(key, secret, 0xff)...),
			"the modulus":       key.N.Bytes(),
			"zero":              make([]byte, len(key.N.Bytes())),
			"another key's":     encryptTo(smallKey(t, 8*len(key.N.Bytes()), 9), secret, 0xff),
		} {
			if got, err := DecryptPreMaster(key, encrypted); !errors.Is(err, ErrPreMaster) {
				t.Errorf("%s, %s: %x, %v", name, what, got, err)
			}
		}
	}
}

func TestPSKPreMaster(t *testing.T) {
	for _, tt := range []struct{ other, psk, want string }{
		{"", "ab", "\x00\x02\x00\x00\x00\x02ab"},
		{"xyz", "ab", "\x00\x03xyz\x00\x02ab"},
	} {
		var other []byte
		if tt.other != "" {
			other = []byte(tt.other)
		}
		if got, err := PSKPreMaster(other, []byte(tt.psk)); err != nil || string(got) != tt.want {
			t.Errorf("%q, %q: %q, %v", tt.other, tt.psk, got, err)
		}
	}
	if _, err := PSKPreMaster(nil, make([]byte, 1<<16)); err == nil {
		t.Error("a key of 64 KiB is taken")
	}
}
