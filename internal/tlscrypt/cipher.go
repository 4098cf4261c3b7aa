package tlscrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rc4"
	"crypto/subtle"
	"errors"
	"hash"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

var errUnspoken = errors.New("this cipher is not spoken here")

func newProtection(s *tlswire.Suite, version uint16, etm bool, macKey, key, iv []byte) (protection, error) {
	if s.Cipher.Kind == tlswire.KindAEAD {
		a, err := newAEAD(s.Cipher.Name, key)
		if err != nil {
			return nil, err
		}
		return &aead{a: a, fixed: iv, explicit: s.Cipher.Explicit}, nil
	}
	h := newHash(s.MAC)
	if h == nil {
		return nil, errUnspoken
	}
	mac := hmac.New(h, macKey)
	if s.Cipher.Kind == tlswire.KindCBC {
		b, err := newBlock(s.Cipher.Name, key)
		if err != nil {
			return nil, err
		}
		c := &cbc{b: b, mac: mac, etm: etm}
		if version == tlswire.VersionTLS10 {
			c.chain = append([]byte(nil), iv...)
		}
		return c, nil
	}
	switch s.Cipher.Name {
	case "NULL":
		return &stream{mac: mac}, nil
	case "RC4_128":
		c, err := rc4.NewCipher(key)
		return &stream{c: c, mac: mac}, err
	}
	return nil, errUnspoken
}

func newBlock(name string, key []byte) (cipher.Block, error) {
	switch name {
	case "AES_128_CBC", "AES_256_CBC":
		return aes.NewCipher(key)
	case "3DES_EDE_CBC":
		return des.NewTripleDESCipher(key)
	case "DES_CBC":
		return des.NewCipher(key)
	}
	return nil, errUnspoken
}

func newAEAD(name string, key []byte) (cipher.AEAD, error) {
	switch {
	case strings.HasPrefix(name, "AES_") && strings.HasSuffix(name, "_GCM"):
		b, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(b)
	case name == "CHACHA20_POLY1305":
		return chacha20poly1305.New(key)
	}
	return nil, errUnspoken
}

// sum is the MAC over header and payload.
func sum(m hash.Hash, h *header, payload []byte) []byte {
	m.Reset()
	m.Write(h.append(make([]byte, 0, 13), len(payload)))
	m.Write(payload)
	return m.Sum(nil)
}

// stream is a MAC and then a stream cipher, or none (RFC 5246 section 6.2.3.1).
type stream struct {
	c   *rc4.Cipher // nil: NULL
	mac hash.Hash
}

func (s *stream) seal(dst []byte, h *header, payload []byte) ([]byte, error) {
	at := len(dst)
	dst = append(append(dst, payload...), sum(s.mac, h, payload)...)
	if s.c != nil {
		s.c.XORKeyStream(dst[at:], dst[at:])
	}
	return dst, nil
}

func (s *stream) open(dst []byte, h *header, sealed []byte) ([]byte, error) {
	n := len(sealed) - s.mac.Size()
	if n < 0 {
		return dst, ErrBadRecord
	}
	at := len(dst)
	dst = append(dst, sealed...)
	next := s.c
	if next != nil {
		c := *s.c // the stream moves on only when the record is good
		next = &c
		next.XORKeyStream(dst[at:], dst[at:])
	}
	if subtle.ConstantTimeCompare(sum(s.mac, h, dst[at:at+n]), dst[at+n:]) != 1 {
		return dst[:at], ErrBadRecord
	}
	s.c = next
	return dst[:at+n], nil
}

// cbc is a block cipher with HMAC, MAC first or, with etm, last (RFC 5246 section 6.2.3.2, RFC 7366).
type cbc struct {
	b     cipher.Block
	mac   hash.Hash
	etm   bool
	chain []byte // TLS 1.0: the last block is the next IV; nil when each record carries its own
}

func (c *cbc) seal(dst []byte, h *header, payload []byte) ([]byte, error) {
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
		dst = append(dst, sum(c.mac, h, payload)...)
	}
	for pad, n := 0, size-(len(dst)-body)%size; pad < n; pad++ {
		dst = append(dst, byte(n-1))
	}
	cipher.NewCBCEncrypter(c.b, iv).CryptBlocks(dst[body:], dst[body:])
	if c.chain != nil {
		copy(c.chain, dst[len(dst)-size:])
	}
	if c.etm {
		dst = append(dst, sum(c.mac, h, dst[at:])...)
	}
	return dst, nil
}

func (c *cbc) open(dst []byte, h *header, sealed []byte) ([]byte, error) {
	size, at := c.b.BlockSize(), len(dst)
	if c.etm {
		n := len(sealed) - c.mac.Size()
		if n < 0 || subtle.ConstantTimeCompare(sum(c.mac, h, sealed[:n]), sealed[n:]) != 1 {
			return dst, ErrBadRecord
		}
		sealed = sealed[:n]
	}
	iv := append([]byte(nil), c.chain...)
	if c.chain == nil {
		if len(sealed) < size {
			return dst, ErrBadRecord
		}
		iv, sealed = sealed[:size], sealed[size:]
	}
	if len(sealed) == 0 || len(sealed)%size != 0 {
		return dst, ErrBadRecord
	}
	if c.chain != nil {
		copy(c.chain, sealed[len(sealed)-size:])
	}
	dst = append(dst, sealed...)
	plain := dst[at:]
	cipher.NewCBCDecrypter(c.b, iv).CryptBlocks(plain, plain)
	n := unpad(plain)
	if n < 0 {
		return dst[:at], ErrBadRecord
	}
	if !c.etm {
		end := n
		if n -= c.mac.Size(); n < 0 || subtle.ConstantTimeCompare(sum(c.mac, h, plain[:n]), plain[n:end]) != 1 {
			return dst[:at], ErrBadRecord
		}
	}
	return dst[:at+n], nil
}

// unpad returns the length without padding, -1 when the padding is malformed.
func unpad(b []byte) int {
	n := int(b[len(b)-1]) + 1
	if n > len(b) {
		return -1
	}
	for _, x := range b[len(b)-n:] {
		if int(x) != n-1 {
			return -1
		}
	}
	return len(b) - n
}

// aead is RFC 5288 (part of the nonce in each record) and RFC 7905 (the nonce made from the record's number).
type aead struct {
	a        cipher.AEAD
	fixed    []byte
	explicit int
}

func (a *aead) nonce(explicit []byte, seq uint64) []byte {
	n := append(make([]byte, 0, 12), a.fixed...)
	if a.explicit > 0 {
		return append(n, explicit...)
	}
	for i := range 8 {
		n[11-i] ^= byte(seq >> (8 * i))
	}
	return n
}

func (a *aead) seal(dst []byte, h *header, payload []byte) ([]byte, error) {
	var number []byte
	if a.explicit > 0 {
		number = h.append(make([]byte, 0, 13), 0)[:a.explicit]
		dst = append(dst, number...)
	}
	return a.a.Seal(dst, a.nonce(number, h.seq), payload, h.append(make([]byte, 0, 13), len(payload))), nil
}

func (a *aead) open(dst []byte, h *header, sealed []byte) ([]byte, error) {
	n := len(sealed) - a.explicit - a.a.Overhead()
	if n < 0 {
		return dst, ErrBadRecord
	}
	out, err := a.a.Open(dst, a.nonce(sealed[:a.explicit], h.seq), sealed[a.explicit:], h.append(make([]byte, 0, 13), n))
	if err != nil {
		return dst, ErrBadRecord
	}
	return out, nil
}
