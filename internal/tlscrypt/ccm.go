package tlscrypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"slices"
)

var errTag = errors.New("open ccm: tag does not fit")

// ccm is CCM with a nonce of 12 bytes, and so 3 bytes of length, as TLS has it (RFC 3610, RFC 6655 section 3). Its scratch makes it
// good for one record at a time.
type ccm struct {
	b    cipher.Block
	tag  int           // 16 or 8
	x    [16]byte      // CBC-MAC
	s0   [16]byte      // key stream of counter 0, which hides the tag
	wide [32 * 16]byte // key stream
}

const ccmNonce = 12

func newCCM(b cipher.Block, tag int) *ccm { return &ccm{b: b, tag: tag} }

func (c *ccm) NonceSize() int { return ccmNonce }
func (c *ccm) Overhead() int  { return c.tag }

func (c *ccm) Seal(dst, nonce, plain, ad []byte) []byte {
	at := len(dst)
	dst = slices.Grow(dst, len(plain)+c.tag)[:at+len(plain)]
	c.authenticate(nonce, plain, ad)
	c.crypt(nonce, dst[at:], plain)
	return append(dst, c.x[:c.tag]...)
}

func (c *ccm) Open(dst, nonce, sealed, ad []byte) ([]byte, error) {
	n := len(sealed) - c.tag
	if n < 0 {
		return nil, errTag
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	c.crypt(nonce, dst[at:], sealed[:n])
	c.authenticate(nonce, dst[at:], ad)
	if !bytes.Equal(c.x[:c.tag], sealed[n:]) {
		clear(dst[at:])
		return nil, errTag
	}
	return dst, nil
}

// counter writes block A_i (RFC 3610 section 2.3).
func counter(b, nonce []byte, i int) {
	b[0] = 2 // length field of 3 bytes
	copy(b[1:], nonce)
	b[13], b[14], b[15] = byte(i>>16), byte(i>>8), byte(i)
}

// crypt is counter mode from 1 on.
func (c *ccm) crypt(nonce, dst, src []byte) {
	for i := 1; len(src) > 0; {
		n := min(len(src), len(c.wide))
		for at := 0; at < n; at += 16 {
			b := c.wide[at : at+16 : at+16]
			counter(b, nonce, i)
			c.b.Encrypt(b, b)
			i++
		}
		subtle.XORBytes(dst, src[:n], c.wide[:n])
		dst, src = dst[n:], src[n:]
	}
}

// authenticate leaves the tag in x (RFC 3610 section 2.2). ad is shorter than 65,280 bytes and not empty, plain than 16 MiB.
func (c *ccm) authenticate(nonce, plain, ad []byte) {
	x := c.x[:]
	x[0] = 64 | byte((c.tag-2)/2)<<3 | 2
	copy(x[1:], nonce)
	x[13], x[14], x[15] = byte(len(plain)>>16), byte(len(plain)>>8), byte(len(plain))
	c.b.Encrypt(x, x)
	x[0] ^= byte(len(ad) >> 8)
	x[1] ^= byte(len(ad))
	n := min(len(ad), 14)
	subtle.XORBytes(x[2:], x[2:], ad[:n])
	c.b.Encrypt(x, x)
	c.absorb(ad[n:])
	c.absorb(plain)
	counter(c.s0[:], nonce, 0)
	c.b.Encrypt(c.s0[:], c.s0[:])
	subtle.XORBytes(x, x, c.s0[:])
}

// absorb goes on with the CBC-MAC over p, zeros behind it.
func (c *ccm) absorb(p []byte) {
	x := c.x[:]
	for len(p) >= 16 {
		subtle.XORBytes(x, x, p[:16])
		c.b.Encrypt(x, x)
		p = p[16:]
	}
	if len(p) > 0 {
		subtle.XORBytes(x, x, p)
		c.b.Encrypt(x, x)
	}
}
