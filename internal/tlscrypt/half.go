package tlscrypt

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// protection is one way of sealing; sequence number and header come from the caller. Another kind of cipher is another
// implementation and one line in newProtection.
type protection interface {
	// seal appends the protected payload to dst.
	seal(dst []byte, h header, payload []byte) ([]byte, error)
	// open appends the plaintext to dst and returns its content type. When it fails nothing has moved.
	open(dst []byte, h header, sealed []byte) ([]byte, uint8, error)
	// pass goes on as if sealed had been opened: n bytes of payload that ended in tail (nil: unknown bytes).
	pass(n int, tail []byte)
	// chained says what opening the next record needs of those before it.
	chained() Chain
}

// Chain is what the opening of a record takes from the records before it.
type Chain uint8

// The kinds of chaining.
const (
	ChainNone   Chain = iota // nothing but the record's number: a reader that lost records searches it
	ChainBlock               // CBC of SSL 3.0 and TLS 1.0: the last block of the record before
	ChainStream              // RC4: how many bytes came before
)

// header is what the MAC or the additional data covers.
type header struct {
	seq     uint64
	typ     uint8
	version uint16
}

// Half is the protection of one direction between two changes of keys. It seals or opens, never both. Not safe for concurrent use.
type Half struct {
	// Seq is the number of the next record. Reading it is always safe; setting it is for a reader of captures that searches after a loss.
	Seq uint64

	version uint16
	p       protection
}

// NewHalf makes one direction of SSL 3.0 to TLS 1.2 from its keys. etm says that encrypt-then-MAC was agreed (RFC 7366). The error
// names a suite that is not spoken here. TLS 1.3 has [NewHalf13].
func NewHalf(s *tlswire.Suite, version uint16, etm bool, macKey, key, iv []byte) (*Half, error) {
	if version < tlswire.VersionSSL30 || version > tlswire.VersionTLS12 {
		return nil, fmt.Errorf("set up %s: version %#04x has another key schedule", s.Name, version)
	}
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

// NewHalf13 makes one direction of TLS 1.3 from its traffic secret (RFC 8446 section 7.3).
func NewHalf13(s *tlswire.Suite, secret []byte) (*Half, error) {
	if !s.TLS13() || s.Cipher.Kind != tlswire.KindAEAD {
		return nil, fmt.Errorf("set up %s: it is no suite of TLS 1.3", s.Name)
	}
	key, iv, err := TrafficKeys(s, secret)
	if err != nil {
		return nil, err
	}
	a, err := newAEAD(s.Cipher.Name, key)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", s.Name, err)
	}
	return &Half{version: tlswire.VersionTLS12, p: newInner(a, iv)}, nil
}

// Seal appends one whole record, header included; payload is at most tlswire.MaxPlaintext bytes. In TLS 1.3 typ goes inside.
func (h *Half) Seal(dst []byte, typ uint8, payload []byte) ([]byte, error) {
	if len(payload) > tlswire.MaxPlaintext {
		return dst, fmt.Errorf("seal record: %d bytes are more than a record holds", len(payload))
	}
	at := len(dst)
	outer := typ
	if _, ok := h.p.(*inner); ok {
		outer = tlswire.TypeApplicationData
	}
	dst = append(dst, outer, byte(h.version>>8), byte(h.version), 0, 0)
	dst, err := h.p.seal(dst, header{h.Seq, typ, h.version}, payload)
	if err != nil {
		return dst[:at], err
	}
	n := len(dst) - at - tlswire.RecordHeaderLen
	dst[at+3], dst[at+4] = byte(n>>8), byte(n)
	h.Seq++
	return dst, nil
}

// Open appends the plaintext of a record's payload to dst; typ and version are those of its header. After an error, which is a
// [BadRecord], nothing has moved: the caller may set Seq and try again.
func (h *Half) Open(dst []byte, typ uint8, version uint16, sealed []byte) ([]byte, error) {
	out, _, err := h.OpenRecord(dst, typ, version, sealed)
	return out, err
}

// OpenRecord is Open and returns the content type too: in TLS 1.3 the inner one, else typ. It allocates nothing when dst has room for
// len(sealed) more bytes. dst and sealed must not share memory.
func (h *Half) OpenRecord(dst []byte, typ uint8, version uint16, sealed []byte) ([]byte, uint8, error) {
	out, typ, err := h.p.open(dst, header{h.Seq, typ, version}, sealed)
	if err != nil {
		return dst, 0, err
	}
	if len(out)-len(dst) > tlswire.MaxPlaintext {
		return dst, 0, BadLength
	}
	h.Seq++
	return out, typ, nil
}
