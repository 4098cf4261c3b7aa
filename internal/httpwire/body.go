package httpwire

import (
	"io"
	"strconv"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// BodyReader is the body of the message whose head a [Reader] read last. It implements exchange.Body. It belongs to the
// Reader and is used again for the next message.
type BodyReader struct {
	rd      *Reader
	lim     Limits
	length  int64 // as the head stated it
	left    int64 // bytes left of the body, or of the chunk
	got     int64 // content bytes returned so far
	state   chunkState
	done    bool // read to its end
	closed  bool
	err     error
	trailer exchange.Header
}

// Body begins the body of the message whose head was read last, length being its Length. The BodyReader is the Reader's
// own: no allocation, and not to be kept beyond the message.
func (rd *Reader) Body(length int64, lim Limits) *BodyReader {
	rd.owed = false
	rd.body = BodyReader{rd: rd, lim: lim, length: length, left: max(length, 0), done: length == 0, err: rd.err}
	return &rd.body
}

// Done reports whether the body was read to its end, so that the next message can be read.
func (b *BodyReader) Done() bool { return b.done }

// Received returns how many bytes of content were read so far.
func (b *BodyReader) Received() int64 { return b.got }

// Trailer returns the trailer section of a chunked body that was read to its end.
func (b *BodyReader) Trailer() exchange.Header { return b.trailer }

// Close ends interest in the body. It reads nothing; where Done does not hold then, the connection must be closed.
func (b *BodyReader) Close() error {
	b.closed = true
	return nil
}

// Read returns content without its framing, io.EOF at its end (with the last bytes where that is known by then), and
// otherwise errors with a reason: http1.* for bad framing; for a connection that broke what [reason.FromNet] makes of it
// (client.gone, client.slow; read.truncated, read.body_stall, read.reset_in_body), unless the source's own error carries one.
func (b *BodyReader) Read(p []byte) (n int, err error) {
	switch {
	case b.done:
		return 0, io.EOF
	case b.err != nil:
		return 0, b.err
	case b.closed:
		return 0, reason.New(reason.UsInternal, "body read after its Close", nil)
	case len(p) == 0:
		return 0, nil
	case b.length == exchange.Chunked:
		n, err = b.readChunked(p)
	case b.length == exchange.UntilClose:
		n, err = b.rd.take(p)
		b.done = err == io.EOF
	default:
		n, err = b.readCounted(p)
	}
	b.got += int64(n)
	if err != nil && !b.done {
		b.err = b.rd.fail(b.broken(err))
		err = b.err
	}
	return n, err
}

func (b *BodyReader) readCounted(p []byte) (int, error) {
	n, err := b.rd.take(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.left == 0 {
		b.done = true
		return n, io.EOF
	}
	if n > 0 {
		return n, nil // an error will come again
	}
	return 0, err
}

// broken gives an error of the source its reason.
func (b *BodyReader) broken(err error) error {
	if reason.Of(err) != nil {
		return err
	}
	phase, cut := reason.PhaseBody, reason.ReadTruncated
	if b.rd.peer == fromClient {
		phase, cut = reason.PhaseClientRead, reason.ClientGone
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	code := reason.FromNet(err, phase).Code
	if code == reason.UsInternal {
		code = cut // whatever it was, it ended the body
	}
	what := strconv.FormatInt(b.got, 10)
	if b.length > 0 {
		what += " of " + strconv.FormatInt(b.length, 10)
	}
	return reason.New(code, what+" body bytes came (RFC 9112 8)", err)
}
