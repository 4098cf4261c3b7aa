package httpwire

import (
	"bytes"
	"io"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Waiter is a source that can wait for its next byte without taking it. [Reader.Wait] uses it where the source has it.
type Waiter interface {
	// WaitReadable returns nil once a Read would not block, or the error that Read would return.
	WaitReadable() error
}

// Reader reads messages off one connection, one after another. It is for one goroutine at a time, and holds a pooled
// buffer only while bytes are on their way through it.
//
// An error of ReadRequest, ReadResponse or a body is final: the place in the byte stream is lost, the connection must be closed.
type Reader struct {
	src  io.Reader
	wait Waiter // src, where it is one
	buf  []byte // nil while nothing is buffered and nobody reads
	r, w int    // buf[r:w] is unread
	body BodyReader
	owed bool // a head announced a body that nobody has asked for yet
	err  error
	one  [1]byte
	peer side
}

// side is whose messages a Reader reads; it decides which reason a broken connection is given.
type side uint8

const (
	fromClient side = iota
	fromOrigin
)

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	rd := new(Reader)
	rd.Reset(src)
	return rd
}

// Reset begins anew on src. What was buffered is gone.
func (rd *Reader) Reset(src io.Reader) {
	rd.r, rd.w = 0, 0
	rd.Release()
	*rd = Reader{src: src}
	rd.wait, _ = src.(Waiter)
	rd.body.rd = rd
	rd.body.done = true
}

// Buffered returns how many bytes were read off the connection and not consumed yet. After the whole body of a response it
// must be 0: an origin that sent more has no business on a kept connection (RFC 9112 section 6.3).
func (rd *Reader) Buffered() int { return rd.w - rd.r }

// Release gives the buffer back while it is empty; the next read takes one again.
func (rd *Reader) Release() {
	if rd.buf != nil && rd.r == rd.w {
		giveBuffer(rd.buf)
		rd.buf, rd.r, rd.w = nil, 0, 0
	}
}

// Wait returns once a byte is buffered or readable, or the source failed. Meanwhile no buffer is held. The error is the
// source's own, io.EOF for a connection that ended between messages.
func (rd *Reader) Wait() error {
	switch {
	case rd.r < rd.w:
		return nil
	case rd.err != nil:
		return rd.err
	}
	rd.Release()
	if rd.wait != nil {
		return rd.wait.WaitReadable()
	}
	for range maxEmptyReads {
		n, err := rd.src.Read(rd.one[:])
		if n == 1 {
			rd.buf = takeBuffer(smallBuffer)
			rd.buf[0] = rd.one[0]
			rd.r, rd.w = 0, 1
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// ReadRequest reads the next request head into r, as [ParseRequest] does. It returns io.EOF where the connection ended
// before the first byte of one; client.gone where it ended within one; other errors of the source as they are (the
// listener knows its deadlines); else the parser's.
func (rd *Reader) ReadRequest(lim Limits, r *exchange.Request) error {
	rd.peer = fromClient
	err := rd.readHead(lim, func(b []byte) (int, error) { return ParseRequest(b, lim, r) })
	rd.owed = err == nil && r.Length != 0
	return err
}

// ReadResponse reads the next response head, the answer to a request with method, into r, as [ParseResponse] does. It
// returns io.EOF where the connection ended before its first byte; read.eof_in_header where it ended within it;
// other errors of the source as they are; else the parser's.
func (rd *Reader) ReadResponse(lim Limits, method string, r *exchange.Response) error {
	rd.peer = fromOrigin
	err := rd.readHead(lim, func(b []byte) (int, error) { return ParseResponse(b, lim, method, r) })
	rd.owed = err == nil && r.Length != 0
	return err
}

// readHead fills the buffer until parse has a whole head.
func (rd *Reader) readHead(lim Limits, parse func([]byte) (int, error)) error {
	if rd.err != nil {
		return rd.err
	}
	if rd.owed || !rd.body.done {
		return rd.fail(fault(reason.HTTP1ExtraData, "message read before the body of the one before it (RFC 9112 9.3)"))
	}
	for {
		if rd.r < rd.w {
			n, err := parse(rd.buf[rd.r:rd.w])
			if err != nil {
				return rd.fail(err)
			}
			if n > 0 {
				rd.r += n
				return nil
			}
		}
		if err := rd.fill(lim.orDefaults().Head + 2); err != nil {
			if err == io.EOF && rd.r < rd.w && !rd.onlyEmptyLine() {
				err = rd.cutHead()
			}
			return rd.fail(err)
		}
	}
}

// onlyEmptyLine reports whether all that came is (the start of) the empty line that may precede a request.
func (rd *Reader) onlyEmptyLine() bool {
	b := string(rd.buf[rd.r:rd.w])
	return rd.peer == fromClient && (b == "\r" || b == "\r\n")
}

func (rd *Reader) cutHead() error {
	if rd.peer == fromClient {
		return reason.New(reason.ClientGone, "connection ended within the request head (RFC 9112 8)", io.ErrUnexpectedEOF)
	}
	if b := rd.buf[rd.r:rd.w]; !bytes.HasPrefix(b, []byte("HTTP/1.")) && !bytes.HasPrefix([]byte("HTTP/1."), b) {
		return noStatusLine(b)
	}
	return reason.New(reason.ReadEOFInHeader, "connection ended within the response head (RFC 9112 8)", io.ErrUnexpectedEOF)
}

// fail makes err the Reader's last word. A reason says whose message it was: most codes could be either side's.
func (rd *Reader) fail(err error) error {
	if e := reason.Of(err); e != nil {
		e.InRequest = rd.peer == fromClient
	}
	rd.err = err
	return err
}
