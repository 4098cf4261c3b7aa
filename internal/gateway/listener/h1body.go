package listener

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h1Exchange is all that one request needs, in one piece of memory. It is not used again: what is logged may live on.
type h1Exchange struct {
	x      exchange.Exchange
	w      h1Writer
	body   h1Body
	fields [16]exchange.Field
	tries  [1]exchange.Attempt // most requests need one
}

func newH1Exchange(h *h1, s *Settings, start time.Time) *h1Exchange {
	r := &h1Exchange{}
	r.x.ID = exchange.NewID(start)
	r.x.Start = start
	r.x.Client = h.c.client
	r.x.Request.Body = exchange.NoBody
	r.x.Attempts = r.tries[:0]
	r.w = h1Writer{h: h, r: r, s: s}
	return r
}

// h1Body is a request body on its way in: bounded, counted, and asked for when the client waits for a 100. It may be
// read by one goroutine while another one answers: an origin may answer before it has read everything.
type h1Body struct {
	h    *h1
	x    *exchange.Exchange
	in   *httpwire.BodyReader
	left int64 // bytes that may still come; negative: no limit

	mu      sync.Mutex
	expect  bool // the client waits for a 100
	open    bool // not read to its end
	reading bool // a Read waits for the client
	got     int64
	err     error
}

// errBodyClosed is what Read says after Close.
var errBodyClosed = errors.New("read request body: closed")

// SetLimit bounds the whole body to n bytes, as a site's or route's limit; call it before the first Read.
// Beyond it Read returns limit.body_too_big. A negative n sets no limit.
func (b *h1Body) SetLimit(n int64) { b.left = n }

func (b *h1Body) Read(p []byte) (int, error) {
	if err := b.beginRead(); err != nil {
		return 0, err
	}
	if b.left >= 0 && int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed tells "ends here" from "goes on"
	}
	n, err := b.in.Read(p)
	return b.endRead(n, err)
}

// beginRead answers Expect: 100-continue where nothing was answered yet.
func (b *h1Body) beginRead() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	if b.expect {
		b.expect = false
		if !b.x.W.(*h1Writer).started() {
			if b.err = b.h.writeContinue(); b.err != nil {
				return b.err
			}
		}
	}
	b.reading = true
	return nil
}

func (b *h1Body) endRead(n int, err error) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	if errors.Is(b.err, errBodyClosed) {
		b.h.setRead(time.Time{}, -1) // what reads next must not meet the deadline by which Close woke this Read
		if err == nil || errors.Is(err, io.EOF) && b.in.Done() {
			b.err = nil // Close came too late to wake it: nothing is lost, the rest can be drained
		}
	}
	b.got += int64(n)
	b.x.Answer.BytesIn = b.got
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			return 0, b.fail(reason.New(reason.LimitBodyTooBig, "request body", nil))
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) && b.in.Done():
		b.open, b.err = false, io.EOF
		b.h.watch.start(b.h.c.l.settings.Load().Watch)
	case b.err != nil: // Close ended the wait
		return n, b.err
	default:
		return n, b.fail(b.bodyFault(err))
	}
	return n, err
}

// fail makes err the body's last word; b.mu is held.
func (b *h1Body) fail(err error) error {
	b.err = err
	return err
}

// lost reports whether the rest of the body leaves no way to the next request: it is held back, broken, or more than
// most bytes of length.
func (b *h1Body) lost(length, most int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open && (b.expect || b.err != nil && !errors.Is(b.err, io.EOF) || length-b.got > most)
}

// bodyFault says why no more of the body came, and ends the exchange's context where the client is gone.
func (b *h1Body) bodyFault(err error) error {
	e := asReason(err, reason.ClientGone)
	if e.Code == reason.ClientGone {
		b.h.cancel(e)
	}
	return e
}

// Trailer implements exchange.Body.
func (b *h1Body) Trailer() exchange.Header { return b.in.Trailer() }

// Close implements exchange.Body. A Read that waits for the client in another goroutine returns, and the connection ends
// with the exchange; without one, the unread rest is drained, or the connection closed, when the exchange is over.
func (b *h1Body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reading && b.err == nil {
		b.err = errBodyClosed
		_ = b.h.rw.SetReadDeadline(time.Unix(1, 0))
	}
	return nil
}

// drain reads what the handler left, at most limit bytes; false when the connection cannot be kept.
func (b *h1Body) drain(limit int64) bool {
	b.mu.Lock()
	stuck := b.expect || b.err != nil
	b.mu.Unlock()
	if stuck {
		return false
	}
	b.left = limit
	buf := getBuf()
	defer putBuf(buf)
	for b.open {
		if _, err := b.Read((*buf)[:cap(*buf)]); err != nil && !errors.Is(err, io.EOF) {
			return false
		}
	}
	return true
}
