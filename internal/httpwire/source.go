package httpwire

import (
	"io"

	"github.com/lunette-waf/lunette/internal/reason"
)

// maxEmptyReads is how often in a row a source may return neither bytes nor an error.
const maxEmptyReads = 100

// fill reads at least one more byte behind those that are buffered, making room up to most bytes in all.
func (rd *Reader) fill(most int) error {
	rd.makeRoom(most)
	for range maxEmptyReads {
		n, err := rd.src.Read(rd.buf[rd.w:])
		rd.w += max(n, 0)
		if n > 0 {
			return nil // an error will come again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom sees to it that buf has room behind w: by taking a buffer, moving the unread bytes to its front, or growing.
func (rd *Reader) makeRoom(most int) {
	switch {
	case rd.buf == nil:
		rd.buf, rd.r, rd.w = takeBuffer(smallBuffer), 0, 0
	case rd.r == rd.w:
		rd.r, rd.w = 0, 0
	case rd.w < len(rd.buf):
	case rd.r > 0:
		rd.w = copy(rd.buf, rd.buf[rd.r:rd.w])
		rd.r = 0
	default:
		grown := takeBuffer(max(min(4*len(rd.buf), most), len(rd.buf)+1))
		rd.w = copy(grown, rd.buf[:rd.w])
		giveBuffer(rd.buf)
		rd.buf = grown
	}
}

// Read reads raw bytes: what is buffered first, then the source. It is for a connection that was upgraded (RFC 9110
// section 7.8) and fails while a body is unread.
func (rd *Reader) Read(p []byte) (int, error) {
	if rd.owed || !rd.body.done {
		return 0, reason.New(reason.UsInternal, "raw bytes read before a message body was", nil)
	}
	return rd.take(p)
}

// take copies buffered bytes, or reads straight into p where there are none.
func (rd *Reader) take(p []byte) (int, error) {
	if rd.r < rd.w {
		n := copy(p, rd.buf[rd.r:rd.w])
		rd.r += n
		if rd.r == rd.w {
			rd.Release()
		}
		return n, nil
	}
	return rd.src.Read(p)
}
