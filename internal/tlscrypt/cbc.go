package tlscrypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"slices"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// cbc is a block cipher with a MAC, MAC first or, with etm, last (RFC 5246 section 6.2.3.2, RFC 7366, RFC 6101 section 5.2.3.2).
type cbc struct {
	b      cipher.Block
	mac    *recordMAC
	etm    bool
	ssl3   bool   // the padding is shorter than a block and of any bytes
	chain  []byte // SSL 3.0, TLS 1.0: the last block is the next IV; nil when each record carries its own
	broken bool   // chain is unknown
}

func newCBC(b cipher.Block, version uint16, etm bool, mac *recordMAC, iv []byte) (protection, error) {
	size := b.BlockSize()
	c := &cbc{b: b, mac: mac, etm: etm && version > tlswire.VersionSSL30, ssl3: version == tlswire.VersionSSL30}
	if version <= tlswire.VersionTLS10 {
		if len(iv) != size {
			return nil, errIV
		}
		c.chain = bytes.Clone(iv)
	}
	return c, nil
}

func (c *cbc) seal(dst []byte, h header, payload []byte) ([]byte, error) {
	size, at := c.b.BlockSize(), len(dst)
	iv := c.chain
	if iv == nil {
		dst = append(dst, make([]byte, size)...)
		iv = dst[at:]
		if _, err := rand.Read(iv); err != nil {
			return dst, err
		}
	}
	body := len(dst)
	dst = append(dst, payload...)
	if !c.etm {
		dst = append(dst, c.mac.sum(h, payload)...)
	}
	for pad, n := 0, size-(len(dst)-body)%size; pad < n; pad++ {
		dst = append(dst, byte(n-1))
	}
	cipher.NewCBCEncrypter(c.b, iv).CryptBlocks(dst[body:], dst[body:])
	if c.chain != nil {
		copy(c.chain, dst[len(dst)-size:])
	}
	if c.etm {
		dst = append(dst, c.mac.sum(h, dst[at:])...)
	}
	return dst, nil
}

func (c *cbc) open(dst []byte, h header, sealed []byte) ([]byte, uint8, error) {
	if c.broken {
		return dst, 0, BadChain
	}
	out, bad := c.decrypt(dst, h, sealed)
	if bad != 0 {
		return dst, 0, bad
	}
	n := c.unpad(out[len(dst):])
	if n < 0 {
		return dst, 0, BadPadding
	}
	if !c.etm {
		var ok bool
		if n, ok = c.mac.good(h, out[len(dst):len(dst)+n]); !ok {
			return dst, 0, BadMAC
		}
	}
	c.pass(len(sealed), sealed)
	return out[:len(dst)+n], h.typ, nil
}

// decrypt appends the blocks of sealed in clear to dst, after the check of a MAC that was made last.
func (c *cbc) decrypt(dst []byte, h header, sealed []byte) ([]byte, BadRecord) {
	size, iv, mac := c.b.BlockSize(), c.chain, []byte(nil)
	if c.etm {
		n := len(sealed) - c.mac.size()
		if n < 0 {
			return dst, BadLength
		}
		sealed, mac = sealed[:n], sealed[n:]
	}
	blocks := sealed
	if iv == nil {
		if len(sealed) < size {
			return dst, BadLength
		}
		iv, blocks = sealed[:size], sealed[size:]
	}
	if len(blocks) == 0 || len(blocks)%size != 0 {
		return dst, BadLength
	}
	if c.etm && !bytes.Equal(c.mac.sum(h, sealed), mac) {
		return dst, BadMAC
	}
	at := len(dst)
	dst = slices.Grow(dst, len(blocks))[:at+len(blocks)]
	c.blocks(dst[at:], blocks, iv)
	return dst, 0
}

// blocks decrypts src, whole blocks, into dst. To add all the blocks at once is faster than one by one, as crypto/cipher does it.
func (c *cbc) blocks(dst, src, iv []byte) {
	size := len(iv)
	for at := 0; at < len(src); at += size {
		c.b.Decrypt(dst[at:at+size], src[at:at+size])
	}
	subtle.XORBytes(dst, dst[:size], iv)
	subtle.XORBytes(dst[size:], dst[size:], src)
}

// unpad returns the length without padding, -1 when the padding is malformed. Up to 255 bytes beyond the need are fine in TLS.
func (c *cbc) unpad(b []byte) int {
	last := b[len(b)-1]
	n := int(last) + 1
	if n > len(b) || c.ssl3 && n > c.b.BlockSize() {
		return -1
	}
	if c.ssl3 {
		return len(b) - n
	}
	for _, x := range b[len(b)-n:] {
		if x != last {
			return -1
		}
	}
	return len(b) - n
}
