package tlscrypt

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// PRF is the pseudorandom function of version (RFC 2246 section 5, RFC 5246 section 5) with n bytes of output; prf names the
// hash of TLS 1.2 as [tlswire.Suite.PRF] does, and is not looked at before.
func PRF(version uint16, prf string, secret []byte, label string, seed []byte, n int) []byte {
	out := make([]byte, n)
	seed = append([]byte(label), seed...)
	if version >= tlswire.VersionTLS12 {
		expand(out, prfHash(prf), secret, seed)
		return out
	}
	half := (len(secret) + 1) / 2
	expand(out, md5.New, secret[:half], seed)
	second := make([]byte, n)
	expand(second, sha1.New, secret[len(secret)-half:], seed)
	for i := range out {
		out[i] ^= second[i]
	}
	return out
}

func prfHash(name string) func() hash.Hash {
	if h := newHash(name); h != nil {
		return h
	}
	return sha256.New
}

// expand fills out with P_hash(secret, seed).
func expand(out []byte, h func() hash.Hash, secret, seed []byte) {
	mac := hmac.New(h, secret)
	mac.Write(seed)
	a := mac.Sum(nil)
	for len(out) > 0 {
		mac.Reset()
		mac.Write(a)
		mac.Write(seed)
		out = out[copy(out, mac.Sum(nil)):]
		mac.Reset()
		mac.Write(a)
		a = mac.Sum(a[:0])
	}
}
