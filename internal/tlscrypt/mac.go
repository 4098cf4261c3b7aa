package tlscrypt

import (
	"bytes"
	"crypto/hmac"
	"hash"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// recordMAC is the MAC of one direction: HMAC (RFC 5246 section 6.2.3.1) or that of SSL 3.0 (RFC 6101 section 5.2.3.1).
// It keeps its scratch, so that a record costs no allocation.
type recordMAC struct {
	h        hash.Hash
	ssl3     []byte // the key of SSL 3.0, nil for HMAC
	pad      int    // of SSL 3.0: how often each pad byte is repeated
	hdr      [13]byte
	out, mid []byte
}

func newRecordMAC(name string, version uint16, key []byte) (*recordMAC, error) {
	h := newHash(name)
	if h == nil {
		return nil, errUnspoken
	}
	m := &recordMAC{}
	if version > tlswire.VersionSSL30 {
		m.h = hmac.New(h, key)
	} else {
		m.h, m.ssl3 = h(), append([]byte{}, key...)
		m.pad = ssl3PadLen(m.h.Size())
		m.mid = make([]byte, 0, m.h.Size())
	}
	m.out = make([]byte, 0, m.h.Size())
	return m, nil
}

func (m *recordMAC) size() int { return m.h.Size() }

// sum is the MAC over header and payload; it is valid until the next one.
func (m *recordMAC) sum(h header, payload []byte) []byte {
	m.h.Reset()
	hdr := h.append(m.hdr[:0], len(payload))
	if m.ssl3 != nil {
		copy(hdr[9:], hdr[11:]) // no version in it
		return m.sumSSL3(hdr[:11], payload)
	}
	m.h.Write(hdr)
	m.h.Write(payload)
	return m.h.Sum(m.out)
}

func (m *recordMAC) sumSSL3(hdr, payload []byte) []byte {
	m.h.Write(m.ssl3)
	m.h.Write(ssl3Pad1[:m.pad])
	m.h.Write(hdr)
	m.h.Write(payload)
	mid := m.h.Sum(m.mid)
	m.h.Reset()
	m.h.Write(m.ssl3)
	m.h.Write(ssl3Pad2[:m.pad])
	m.h.Write(mid)
	return m.h.Sum(m.out)
}

// good reports whether payload ends in the MAC of what stands before it; it returns that length too.
func (m *recordMAC) good(h header, payload []byte) (int, bool) {
	n := len(payload) - m.size()
	return n, n >= 0 && bytes.Equal(m.sum(h, payload[:max(n, 0)]), payload[max(n, 0):])
}

// append writes the 13 bytes of RFC 5246 section 6.2.3.1.
func (h header) append(dst []byte, n int) []byte {
	return append(dst, byte(h.seq>>56), byte(h.seq>>48), byte(h.seq>>40), byte(h.seq>>32), byte(h.seq>>24), byte(h.seq>>16),
		byte(h.seq>>8), byte(h.seq), h.typ, byte(h.version>>8), byte(h.version), byte(n>>8), byte(n))
}
