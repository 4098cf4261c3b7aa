package tlscrypt

import (
	"crypto/rc4"
	"slices"
)

// stream is a MAC and then a stream cipher, or none (RFC 5246 section 6.2.3.1).
type stream struct {
	c    *rc4.Cipher // nil: NULL
	back rc4.Cipher  // where c stood before a record that may prove bad
	mac  *recordMAC
}

func newStream(name string, key []byte, mac *recordMAC) (protection, error) {
	switch name {
	case "NULL":
		return &stream{mac: mac}, nil
	case "RC4_128":
		c, err := rc4.NewCipher(key)
		return &stream{c: c, mac: mac}, err
	}
	return nil, errUnspoken
}

func (s *stream) seal(dst []byte, h header, payload []byte) ([]byte, error) {
	at := len(dst)
	dst = append(append(dst, payload...), s.mac.sum(h, payload)...)
	if s.c != nil {
		s.c.XORKeyStream(dst[at:], dst[at:])
	}
	return dst, nil
}

func (s *stream) open(dst []byte, h header, sealed []byte) ([]byte, uint8, error) {
	if len(sealed) < s.mac.size() {
		return dst, 0, BadLength
	}
	out := s.decrypt(dst, sealed)
	n, ok := s.mac.good(h, out[len(dst):])
	if !ok {
		if s.c != nil {
			*s.c = s.back // the stream moves on only when the record is good
		}
		return dst, 0, BadMAC
	}
	return out[:len(dst)+n], h.typ, nil
}

// decrypt appends sealed in clear to dst.
func (s *stream) decrypt(dst, sealed []byte) []byte {
	if s.c == nil {
		return append(dst, sealed...)
	}
	at := len(dst)
	dst = slices.Grow(dst, len(sealed))[:at+len(sealed)]
	s.back = *s.c
	s.c.XORKeyStream(dst[at:], sealed)
	return dst
}

func (s *stream) openLossy(dst []byte, _ header, sealed []byte) ([]byte, int, error) {
	if len(sealed) < s.mac.size() {
		return dst, 0, BadLength
	}
	out := s.decrypt(dst, sealed)
	return out[:len(out)-s.mac.size()], 0, nil
}

func (s *stream) pass(n int, _ []byte) {
	if s.c == nil {
		return
	}
	var waste [256]byte
	for ; n > 0; n -= len(waste) {
		b := waste[:min(n, len(waste))]
		s.c.XORKeyStream(b, b)
	}
}

func (s *stream) chained() Chain {
	if s.c == nil {
		return ChainNone
	}
	return ChainStream
}
