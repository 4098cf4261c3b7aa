package tlscrypt

import (
	"crypto/md5"
	"crypto/sha1"
	"hash"
	"strings"
)

// The pads of SSL 3.0 (RFC 6101 section 5.2.3.1), 48 bytes for MD5, the first 40 of them for SHA-1.
var (
	ssl3Pad1 = []byte(strings.Repeat("\x36", 48))
	ssl3Pad2 = []byte(strings.Repeat("\x5c", 48))
)

// ssl3PadLen is how many pad bytes belong to a hash of size bytes.
func ssl3PadLen(size int) int {
	if size == md5.Size {
		return 48
	}
	return 40
}

// ssl3Expand is the generator of SSL 3.0: MD5(secret + SHA(letters + secret + seed)) for "A", "BB", "CCC", …
// (RFC 6101 sections 6.1 and 6.2.2). It gives at most 26 times 16 bytes.
func ssl3Expand(secret, seed []byte, n int) []byte {
	var out []byte
	for i := 0; len(out) < n && i < 26; i++ {
		inner := sha1.New()
		inner.Write([]byte(strings.Repeat(string(rune('A'+i)), i+1)))
		inner.Write(secret)
		inner.Write(seed)
		outer := md5.New()
		outer.Write(secret)
		outer.Write(inner.Sum(nil))
		out = outer.Sum(out)
	}
	return out[:min(n, len(out))]
}

// FinishedSSL3 is the content of a Finished message of SSL 3.0, MD5 and SHA-1 side by side (RFC 6101 section 5.6.9). client says whose.
func (t *Transcript) FinishedSSL3(client bool, master []byte) []byte {
	sender := "SRVR"
	if client {
		sender = "CLNT"
	}
	return append(ssl3Hash(md5.New, t.raw, sender, master), ssl3Hash(sha1.New, t.raw, sender, master)...)
}

func ssl3Hash(h func() hash.Hash, messages []byte, sender string, master []byte) []byte {
	inner, outer := h(), h()
	n := ssl3PadLen(inner.Size())
	inner.Write(messages)
	inner.Write([]byte(sender))
	inner.Write(master)
	inner.Write(ssl3Pad1[:n])
	outer.Write(master)
	outer.Write(ssl3Pad2[:n])
	outer.Write(inner.Sum(nil))
	return outer.Sum(nil)
}
