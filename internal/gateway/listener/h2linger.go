package listener

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// h2Linger is how long at most an answer waits for a client that is still sending. It is short: some clients take an answer
// as whole only when its stream has ended, which waits with it.
const h2Linger = 500 * time.Millisecond

// linger lets a client that is still sending its request read the whole answer before it is told to stop. RFC 9113
// section 8.1 ends such a stream with END_STREAM and RST_STREAM(NO_ERROR), which the library sends in one go; clients that
// find the reset while they write (curl 7.88) throw away what they have not read. The answer goes out, and what comes is read
// on, until the client ends or resets the stream or the time is over. A negative d means not at all.
func (e *h2Exchange) linger(r *http.Request, d time.Duration) {
	if d = min(d, h2Linger); d <= 0 || r.ContentLength == 0 || errors.Is(e.body.err, io.EOF) {
		return
	}
	rc := http.NewResponseController(e.w.w)
	until := time.NewTimer(d)
	defer until.Stop()
	if rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(d)) != nil {
		return
	}
	buf := getBuf()
	defer putBuf(buf)
	for {
		_, err := r.Body.Read((*buf)[:cap(*buf)])
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded):
			return
		default: // closed by the handler, or the stream has ended
			select {
			case <-r.Context().Done():
			case <-until.C:
			}
			return
		}
	}
}
