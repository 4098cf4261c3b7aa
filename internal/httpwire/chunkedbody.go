package httpwire

import "io"

// chunkState is what the next byte of a chunked body belongs to.
type chunkState uint8

const (
	inSize chunkState = iota
	inData
	inDataEnd
	inTrailer
)

// readChunked copies content until p is full, the body ends, or the connection would have to be waited for.
func (b *BodyReader) readChunked(p []byte) (n int, err error) {
	for n < len(p) {
		if b.state == inData {
			if n > 0 && b.rd.Buffered() == 0 {
				return n, nil
			}
			m, err := b.rd.take(p[n:][:min(int64(len(p)-n), b.left)])
			n, b.left = n+m, b.left-int64(m)
			if b.left == 0 {
				b.state = inDataEnd
			}
			if m == 0 {
				return n, err
			}
			continue // an error that came with bytes will come again
		}
		used, err := b.frame(b.rd.buf[b.rd.r:b.rd.w])
		b.rd.r += used
		switch {
		case err != nil:
			return n, err // io.EOF at the end of the body
		case used > 0:
			continue
		case n > 0:
			return n, nil
		}
		if err := b.rd.fill(b.lim.orDefaults().Trailer + 2); err != nil {
			return n, err
		}
	}
	return n, nil
}

// frame consumes one piece of chunked framing; 0 means that more bytes are needed.
func (b *BodyReader) frame(buf []byte) (n int, err error) {
	switch b.state {
	case inSize:
		b.left, n, err = ParseChunkSize(buf)
		if n > 0 {
			b.state = inData
			if b.left == 0 {
				b.state = inTrailer
			}
		}
	case inDataEnd:
		if n, err = parseChunkEnd(buf); n > 0 {
			b.state = inSize
		}
	case inTrailer:
		if b.trailer, n, err = ParseTrailer(buf, b.lim); n > 0 {
			b.done = true
			err = io.EOF
		}
	}
	return n, err
}
