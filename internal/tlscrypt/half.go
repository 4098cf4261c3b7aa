package tlscrypt

import (
	"errors"
	"fmt"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// ErrBadRecord says that a record does not open under its keys: altered, out of order, or sealed with others.
var ErrBadRecord = errors.New("open record: it does not authenticate")

// protection is one way of sealing; sequence number and header come from the caller. Another kind of cipher is another
// implementation and one line in newProtection.
type protection interface {
	// seal appends the protected payload to dst.
	seal(dst []byte, h *header, payload []byte) ([]byte, error)
	// open appends the plaintext to dst.
	open(dst []byte, h *header, sealed []byte) ([]byte, error)
}

// header is what the MAC or the additional data covers.
type header struct {
	seq     uint64
	typ     uint8
	version uint16
}

// append writes the 13 bytes of RFC 5246 section 6.2.3.1.
func (h *header) append(dst []byte, n int) []byte {
	for shift := 56; shift >= 0; shift -= 8 {
		dst = append(dst, byte(h.seq>>shift))
	}
	return append(dst, h.typ, byte(h.version>>8), byte(h.version), byte(n>>8), byte(n))
}

// Half is the protection of one direction between two ChangeCipherSpecs. Not safe for concurrent use.
type Half struct {
	// Seq is the number of the next record. Reading it is always safe; setting it is for a reader of captures that searches after a loss.
	Seq uint64

	version uint16
	p       protection
}

// NewHalf makes one direction from its keys. etm says that encrypt-then-MAC was agreed. The error names a suite that is not
// spoken here. A Half seals or opens, never both.
func NewHalf(s *tlswire.Suite, version uint16, etm bool, macKey, key, iv []byte) (*Half, error) {
	p, err := newProtection(s, version, etm, macKey, key, iv)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", s.Name, err)
	}
	return &Half{version: version, p: p}, nil
}

// Halves makes both directions of a connection.
func Halves(s *tlswire.Suite, version uint16, etm bool, k *Keys) (client, server *Half, err error) {
	if client, err = NewHalf(s, version, etm, k.ClientMAC, k.ClientKey, k.ClientIV); err != nil {
		return nil, nil, err
	}
	server, err = NewHalf(s, version, etm, k.ServerMAC, k.ServerKey, k.ServerIV)
	return client, server, err
}

// Seal appends one whole record, header included; payload is at most tlswire.MaxPlaintext bytes.
func (h *Half) Seal(dst []byte, typ uint8, payload []byte) ([]byte, error) {
	if len(payload) > tlswire.MaxPlaintext {
		return dst, fmt.Errorf("seal record: %d bytes are more than a record holds", len(payload))
	}
	at := len(dst)
	dst = append(dst, typ, byte(h.version>>8), byte(h.version), 0, 0)
	dst, err := h.p.seal(dst, &header{h.Seq, typ, h.version}, payload)
	if err != nil {
		return dst[:at], err
	}
	n := len(dst) - at - tlswire.RecordHeaderLen
	dst[at+3], dst[at+4] = byte(n>>8), byte(n)
	h.Seq++
	return dst, nil
}

// Open appends the plaintext of a record's payload to dst. After ErrBadRecord nothing has moved (in TLS 1.0 CBC the chain has):
// the caller may set Seq and try again.
func (h *Half) Open(dst []byte, typ uint8, version uint16, sealed []byte) ([]byte, error) {
	out, err := h.p.open(dst, &header{h.Seq, typ, version}, sealed)
	if err != nil {
		return dst, err
	}
	if len(out)-len(dst) > tlswire.MaxPlaintext {
		return dst, ErrBadRecord
	}
	h.Seq++
	return out, nil
}
