package tlswire

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// Algorithms of certificate compression (RFC 8879 section 7.3).
const (
	CompressZlib   uint16 = 1
	CompressBrotli uint16 = 2
	CompressZstd   uint16 = 3
)

// CompressionName returns "zlib", "brotli", "zstd".
func CompressionName(a uint16) string { return nameIn(compressionNames[:], a) }

var compressionNames = [...]name{{CompressZlib, "zlib"}, {CompressBrotli, "brotli"}, {CompressZstd, "zstd"}}

// ErrCompression says that certificates are compressed in a way that this package cannot undo.
var ErrCompression = errors.New("inflate certificate: unsupported compression")

// CompressedCertificate is a Certificate message that was compressed (RFC 8879 section 4).
type CompressedCertificate struct {
	Algorithm uint16
	Length    int // bytes of the Certificate message's body, as announced
	Data      []byte
}

// ParseCompressedCertificate reads the body of the message. The result aliases body.
func ParseCompressedCertificate(body []byte) (*CompressedCertificate, error) {
	c := cursor{b: body}
	m := &CompressedCertificate{Algorithm: c.u16(), Length: c.u24(), Data: c.vec24()}
	if c.bad || len(c.b) > 0 || len(m.Data) == 0 {
		return nil, &ParseError{"compressed certificate", "length"}
	}
	return m, nil
}

// Inflate returns the body of the Certificate message. Only zlib is undone: for others the error is ErrCompression. A message
// that is longer than MaxMessage, or of another length than announced, is refused.
func (m *CompressedCertificate) Inflate() ([]byte, error) {
	if m.Algorithm != CompressZlib {
		return nil, fmt.Errorf("%w %s", ErrCompression, CompressionName(m.Algorithm))
	}
	if m.Length > MaxMessage {
		return nil, &ParseError{"compressed certificate", "uncompressed length"}
	}
	z, err := zlib.NewReader(bytes.NewReader(m.Data))
	if err != nil {
		return nil, fmt.Errorf("inflate certificate: %w", err)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(z, int64(m.Length)+1)); err != nil {
		return nil, fmt.Errorf("inflate certificate: %w", err)
	}
	if out.Len() != m.Length {
		return nil, &ParseError{"compressed certificate", "uncompressed length"}
	}
	return out.Bytes(), nil
}
