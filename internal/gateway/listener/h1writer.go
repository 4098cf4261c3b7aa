package listener

import (
	"errors"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// h1Writer is the exchange.ResponseWriter of one HTTP/1.1 request.
type h1Writer struct {
	h *h1
	r *h1Exchange
	s *Settings

	out   *[]byte // pooled: the head, and what of the body goes along with it
	close bool    // the connection ends after this answer

	queued   bool // Head was called
	headSent bool // and the head has left
	bare     bool // no body on the wire
	chunked  bool
	left     int64 // bytes of Content-Length still owed; -1 unknown
	ended    bool
	upgraded bool
	err      error // the first failed write: the client is lost
}

var (
	errHeadTwice = errors.New("response head given twice")
	errNoHead    = errors.New("response body without head")
	errEnded     = errors.New("response ended already")
	errLength    = errors.New("response body differs from its length")
)

// started reports whether a final answer was begun; the body's lock is held.
func (w *h1Writer) started() bool { return w.queued }

// Informational implements exchange.ResponseWriter. HTTP/1.0 clients get none (RFC 9110 section 15.2).
func (w *h1Writer) Informational(status int, h exchange.Header) error {
	if status == 100 || status == 101 || status < 100 || status > 199 || w.queued || w.r.x.Request.Proto < exchange.HTTP11 {
		return nil
	}
	buf, err := httpwire.AppendResponse(w.buf(), &exchange.Response{Status: status, Header: h}, httpwire.ResponseOptions{})
	if err != nil {
		return err
	}
	*w.out = buf
	return w.flush()
}

// Head implements exchange.ResponseWriter.
func (w *h1Writer) Head(r *exchange.Response) error {
	if w.queued {
		return errHeadTwice
	}
	o := w.framing(r)
	length := r.Length
	if w.chunked {
		r.Length = exchange.Chunked
	}
	buf, err := httpwire.AppendResponse(w.buf(), r, o)
	r.Length = length
	if err != nil {
		w.chunked = false
		return err
	}
	*w.out = buf
	w.r.body.mu.Lock() // a body that is read meanwhile asks whether a 100 still makes sense
	w.queued = true
	w.r.body.mu.Unlock()
	w.r.x.Answer.Status = r.Status
	return nil
}

// Body implements exchange.ResponseWriter.
func (w *h1Writer) Body(p []byte, last bool) error {
	if err := w.ready(); err != nil {
		return err
	}
	if w.bare {
		p = nil
	}
	if w.left >= 0 {
		if w.left -= int64(len(p)); w.left < 0 || last && w.left > 0 && !w.bare {
			w.r.x.Aborted = true
			return errLength
		}
	}
	w.r.x.Answer.BytesOut += int64(len(p))
	var err error
	if w.chunked && !w.bare {
		err = w.writeChunk(p, last)
	} else {
		err = w.write(p, nil)
	}
	if last && err == nil {
		w.end()
	}
	return err
}

// Trailer implements exchange.ResponseWriter. Where the framing has no room for one, the trailer is dropped.
func (w *h1Writer) Trailer(t exchange.Header) error {
	if err := w.ready(); err != nil {
		return err
	}
	if !w.chunked || w.bare {
		return w.Body(nil, true)
	}
	buf, err := httpwire.AppendLastChunk(w.buf(), t)
	if err != nil {
		return err
	}
	*w.out = buf
	if err := w.flush(); err != nil {
		return err
	}
	w.end()
	return nil
}

func (w *h1Writer) ready() error {
	switch {
	case w.err != nil:
		return w.err
	case !w.queued:
		return errNoHead
	case w.ended:
		return errEnded
	}
	return nil
}

func (w *h1Writer) end() {
	w.ended = true
	w.r.x.Answer.Duration = time.Since(w.r.x.Start)
}

var (
	crlf          = []byte("\r\n")
	lastChunk     = []byte("0\r\n\r\n")
	crlfLastChunk = []byte("\r\n0\r\n\r\n")
)

// framing decides how the answer's end will be told (RFC 9112 section 6.3), and whether the connection lives on.
func (w *h1Writer) framing(r *exchange.Response) httpwire.ResponseOptions {
	q := &w.r.x.Request
	w.close = w.close || w.r.body.lost(q.Length, w.s.Drain) || w.h.c.l.draining.Load()
	w.bare = !httpwire.BodyAllowed(q.Method, r.Status)
	w.left = -1
	switch {
	case w.bare:
	case r.Length >= 0:
		w.left = r.Length
	case q.Proto != exchange.HTTP10: // also what ends with the origin's connection: towards our client it can be told properly
		w.chunked = true
	default:
		w.close = true
	}
	return httpwire.ResponseOptions{Method: q.Method, Proto: q.Proto, Close: w.close}
}
