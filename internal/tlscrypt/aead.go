package tlscrypt

import (
	"crypto/cipher"
	"encoding/binary"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// aead is RFC 5288 (part of the nonce in each record) and RFC 7905 (the nonce made from the record's number).
type aead struct {
	a        cipher.AEAD
	fixed    [12]byte // IV, zeros behind it
	fixedLen int
	explicit int

	nonce [12]byte // scratch
	ad    [13]byte // scratch

	seen                  bool // a record was opened; the next two are its
	lastSeq, lastExplicit uint64
}

func newNonceAEAD(a cipher.AEAD, c *tlswire.Cipher, iv []byte) (protection, error) {
	if len(iv) != c.FixedIV || c.FixedIV+c.Explicit != a.NonceSize() || a.NonceSize() != 12 {
		return nil, errIV
	}
	p := &aead{a: a, fixedLen: len(iv), explicit: c.Explicit}
	copy(p.fixed[:], iv)
	return p, nil
}

// setNonce makes the nonce of a record in p.nonce.
func (p *aead) setNonce(explicit []byte, seq uint64) []byte {
	p.nonce = p.fixed
	if p.explicit > 0 {
		copy(p.nonce[p.fixedLen:], explicit)
	} else {
		xorSeq(&p.nonce, seq)
	}
	return p.nonce[:]
}

func xorSeq(nonce *[12]byte, seq uint64) {
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^seq)
}

func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func (p *aead) seal(dst []byte, h header, payload []byte) ([]byte, error) {
	at := len(dst)
	if p.explicit > 0 {
		dst = binary.BigEndian.AppendUint64(dst, h.seq)
	}
	return p.a.Seal(dst, p.setNonce(dst[at:], h.seq), payload, h.append(p.ad[:0], len(payload))), nil
}

func (p *aead) open(dst []byte, h header, sealed []byte) ([]byte, uint8, error) {
	n := len(sealed) - p.explicit - p.a.Overhead()
	if n < 0 {
		return dst, 0, BadLength
	}
	out, err := p.a.Open(dst, p.setNonce(sealed[:p.explicit], h.seq), sealed[p.explicit:], h.append(p.ad[:0], n))
	if err != nil {
		return dst, 0, BadTag
	}
	if p.explicit > 0 {
		p.seen, p.lastSeq, p.lastExplicit = true, h.seq, be64(sealed)
	}
	return out, h.typ, nil
}

func (p *aead) pass(int, []byte) {}
func (p *aead) chained() Chain   { return ChainNone }

// inner is the protection of TLS 1.3: the content type and zeros stand behind the content, inside (RFC 8446 section 5.2).
type inner struct {
	a     cipher.AEAD
	iv    [12]byte
	nonce [12]byte                      // scratch
	ad    [tlswire.RecordHeaderLen]byte // scratch
}

func newInner(a cipher.AEAD, iv []byte) protection {
	p := &inner{a: a}
	copy(p.iv[:], iv)
	return p
}

// set makes nonce and additional data of a record of n sealed bytes.
func (p *inner) set(seq uint64, typ uint8, version uint16, n int) {
	p.nonce = p.iv
	xorSeq(&p.nonce, seq)
	p.ad = [...]byte{typ, byte(version >> 8), byte(version), byte(n >> 8), byte(n)}
}

func (p *inner) seal(dst []byte, h header, payload []byte) ([]byte, error) {
	p.set(h.seq, tlswire.TypeApplicationData, h.version, len(payload)+1+p.a.Overhead())
	plain := append(append(make([]byte, 0, len(payload)+1), payload...), h.typ)
	return p.a.Seal(dst, p.nonce[:], plain, p.ad[:]), nil
}

func (p *inner) open(dst []byte, h header, sealed []byte) ([]byte, uint8, error) {
	if len(sealed) < p.a.Overhead() {
		return dst, 0, BadLength
	}
	p.set(h.seq, h.typ, h.version, len(sealed))
	out, err := p.a.Open(dst, p.nonce[:], sealed, p.ad[:])
	if err != nil {
		return dst, 0, BadTag
	}
	for n := len(out) - 1; n >= len(dst); n-- {
		if out[n] != 0 {
			return out[:n], out[n], nil
		}
	}
	return dst, 0, BadInner
}

func (p *inner) pass(int, []byte) {}
func (p *inner) chained() Chain   { return ChainNone }
