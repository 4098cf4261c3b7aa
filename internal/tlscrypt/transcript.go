package tlscrypt

import (
	"crypto"
	"crypto/md5"
	"crypto/sha1"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

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

// digest hashes b for a signature.
func digest(h crypto.Hash, b []byte) []byte {
	if h == crypto.MD5SHA1 {
		return md5sha1(b)
	}
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}
