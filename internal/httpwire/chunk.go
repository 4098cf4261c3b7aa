package httpwire

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// maxChunkDigits bounds a chunk size, leading zeros included.
const maxChunkDigits = 16

// ParseChunkSize parses the chunk-size line at the start of b (RFC 9112 section 7.1) and returns how many bytes it took; n == 0
// with a nil error means that more bytes are needed. Chunk extensions are refused (section 7.1.1): nobody uses them but to smuggle.
func ParseChunkSize(b []byte) (size int64, n int, err error) {
	i := 0
	for ; i < len(b) && class[b[i]]&classHex != 0; i++ {
		if i == maxChunkDigits {
			return 0, 0, fault(reason.HTTP1BadChunk, "chunk size of more than 16 digits (RFC 9112 7.1)")
		}
		if size >= 1<<58 {
			return 0, 0, fault(reason.HTTP1BadChunk, "chunk size beyond 2^62 (RFC 9112 7.1)")
		}
		size = size<<4 | int64(hexValue(b[i]))
	}
	switch {
	case i == len(b):
		return 0, 0, nil
	case i == 0:
		return 0, 0, chunkFault(b[0], "no chunk size")
	case b[i] == ';':
		return 0, 0, fault(reason.HTTP1BadChunk, "chunk extension (RFC 9112 7.1.1)")
	case b[i] != '\r':
		return 0, 0, chunkFault(b[i], "something else than a hexadecimal chunk size")
	case i+1 == len(b):
		return 0, 0, nil
	case b[i+1] != '\n':
		return 0, 0, fault(reason.HTTP1BareLF, "bare CR behind a chunk size (RFC 9112 2.2, 7.1)")
	}
	return size, i + 2, nil
}

// parseChunkEnd parses the CRLF behind the data of a chunk.
func parseChunkEnd(b []byte) (n int, err error) {
	switch {
	case len(b) > 0 && b[0] != '\r':
		return 0, chunkFault(b[0], "no CRLF behind the data of a chunk")
	case len(b) < 2:
		return 0, nil
	case b[1] != '\n':
		return 0, fault(reason.HTTP1BareLF, "bare CR behind the data of a chunk (RFC 9112 2.2, 7.1)")
	}
	return 2, nil
}

func chunkFault(c byte, what string) error {
	if c == '\n' {
		return fault(reason.HTTP1BareLF, "bare LF in chunked framing (RFC 9112 2.2, 7.1)")
	}
	return fault(reason.HTTP1BadChunk, what+": "+byteName(c)+" (RFC 9112 7.1)")
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0x0f + 9
}

// ParseTrailer parses the trailer section at the start of b, its last CRLF included (RFC 9112 section 7.1.2), and returns its
// fields and how many bytes it took; n == 0 with a nil error means that more bytes are needed.
func ParseTrailer(b []byte, lim Limits) (h exchange.Header, n int, err error) {
	if bytes.HasPrefix(b, []byte("\r\n")) {
		return nil, 2, nil
	}
	sec := lim.orDefaults().trailer()
	end, lines, err := sec.findEnd(b, 0)
	if end == 0 {
		return nil, 0, err
	}
	var ignored control
	h, err = parseFields(b[:end], string(b[:end]), make(exchange.Header, 0, lines), &ignored)
	if err != nil {
		return nil, 0, reason.New(reason.HTTP1BadTrailer, "trailer "+reason.Of(err).Detail, err)
	}
	for _, f := range h {
		if ForbiddenTrailer(f.Name) {
			return nil, 0, fault(reason.HTTP1BadTrailer, quote(f.Name)+" may not stand in a trailer section (RFC 9110 6.5.1)")
		}
	}
	return h, end, nil
}
