// Package tlscrypt computes what TLS 1.0 to 1.2 computes: the PRF, the key schedule, signatures over handshakes,
// and the sealing and opening of records.
//
// Input: secrets and transcripts as bytes, suites and versions from tlswire. Output: derived secrets, records, plaintext.
// Promises: no I/O, no clocks, no goroutines; both directions (a live endpoint seals, a capture's way opens what others sealed);
// record numbers can be set, so that a reader of captures may search after a loss.
// Non-goals: hiding the time that a bad MAC takes (this serves loopback labs and captures, never the open network),
// TLS 1.3, trust.
package tlscrypt

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Sizes in bytes.
const (
	MasterLen    = 48
	PreMasterLen = 48 // of the RSA key exchange
	RandomLen    = 32
	FinishedLen  = 12
)

// newHash returns the hash called name in suites ("MD5", "SHA", "SHA256", "SHA384"), nil for another.
func newHash(name string) func() hash.Hash {
	switch name {
	case "MD5":
		return md5.New
	case "SHA":
		return sha1.New
	case "SHA256":
		return sha256.New
	case "SHA384":
		return sha512.New384
	}
	return nil
}

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

// MasterSecret derives the master secret from the pre-master secret and both randoms (RFC 5246 section 8.1).
func MasterSecret(version uint16, prf string, preMaster, clientRandom, serverRandom []byte) []byte {
	return PRF(version, prf, preMaster, "master secret", concat(clientRandom, serverRandom), MasterLen)
}

// ExtendedMasterSecret derives it from the transcript up to and including ClientKeyExchange (RFC 7627 section 4).
func ExtendedMasterSecret(version uint16, prf string, preMaster, sessionHash []byte) []byte {
	return PRF(version, prf, preMaster, "extended master secret", sessionHash, MasterLen)
}

// ClientFinished and ServerFinished return the verify data of a Finished message (RFC 5246 section 7.4.9).
func ClientFinished(version uint16, prf string, master, transcriptHash []byte) []byte {
	return PRF(version, prf, master, "client finished", transcriptHash, FinishedLen)
}

// ServerFinished is the server's; see [ClientFinished].
func ServerFinished(version uint16, prf string, master, transcriptHash []byte) []byte {
	return PRF(version, prf, master, "server finished", transcriptHash, FinishedLen)
}

// Transcript is the handshake so far; HelloRequest messages never belong to it (RFC 5246 section 7.4.1.1).
type Transcript struct{ raw []byte }

// Add appends one message, header included.
func (t *Transcript) Add(raw []byte) {
	if len(raw) > 0 && raw[0] != tlswire.MsgHelloRequest {
		t.raw = append(t.raw, raw...)
	}
}

// Bytes returns the messages so far; they are what CertificateVerify signs.
func (t *Transcript) Bytes() []byte { return t.raw }

// Reset begins another handshake.
func (t *Transcript) Reset() { t.raw = t.raw[:0] }

// Sum is the transcript hash: MD5 and SHA-1 side by side before TLS 1.2, the PRF's hash from then on.
func (t *Transcript) Sum(version uint16, prf string) []byte {
	if version < tlswire.VersionTLS12 {
		return md5sha1(t.raw)
	}
	h := prfHash(prf)()
	h.Write(t.raw)
	return h.Sum(nil)
}

func md5sha1(b []byte) []byte {
	m, s := md5.Sum(b), sha1.Sum(b)
	return append(m[:], s[:]...)
}

// Keys is a key block taken apart.
type Keys struct{ ClientMAC, ServerMAC, ClientKey, ServerKey, ClientIV, ServerIV []byte }

// DeriveKeys expands the master secret for a suite (RFC 5246 section 6.3).
func DeriveKeys(s *tlswire.Suite, version uint16, master, clientRandom, serverRandom []byte) Keys {
	iv := s.Cipher.FixedIV
	if s.Cipher.Kind == tlswire.KindCBC && version == tlswire.VersionTLS10 {
		iv = s.Cipher.Block
	}
	mac, key := s.MACLen(), s.Cipher.Key
	block := PRF(version, s.PRF, master, "key expansion", concat(serverRandom, clientRandom), 2*(mac+key+iv))
	take := func(n int) []byte {
		v := block[:n:n]
		block = block[n:]
		return v
	}
	return Keys{ClientMAC: take(mac), ServerMAC: take(mac), ClientKey: take(key), ServerKey: take(key), ClientIV: take(iv), ServerIV: take(iv)}
}

func concat(a, b []byte) []byte { return append(append(make([]byte, 0, len(a)+len(b)), a...), b...) }

// digest hashes b for a signature.
func digest(h crypto.Hash, b []byte) []byte {
	if h == crypto.MD5SHA1 {
		return md5sha1(b)
	}
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}
