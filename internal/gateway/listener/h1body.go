package listener

import (
	"errors"
	"io"
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
}

func newH1Exchange(h *h1, s *Settings, start time.Time) *h1Exchange {
	r := &h1Exchange{}
	r.x.ID = exchange.NewID(start)
	r.x.Start = start
	r.x.Client = h.c.client
	r.x.Request.Body = exchange.NoBody
	r.w = h1Writer{h: h, r: r, s: s}
	return r
}

// h1Body is a request body on its way in: bounded, counted, and asked for when the client waits for a 100.
type h1Body struct {
	h      *h1
	x      *exchange.Exchange
	in     *httpwire.BodyReader
	left   int64 // bytes that may still come; negative: no limit
	expect bool  // the client waits for a 100
	open   bool  // not read to its end
	err    error
}

// SetLimit bounds the whole body to n bytes, as a site's or route's limit; call it before the first Read.
// Beyond it Read returns limit.body_too_big. A negative n sets no limit.
func (b *h1Body) SetLimit(n int64) { b.left = n }

func (b *h1Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.expect {
		b.expect = false
		if !b.x.W.(*h1Writer).started() {
			if err := b.h.writeContinue(); err != nil {
				return 0, b.fail(err)
			}
		}
	}
	if b.left >= 0 && int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed tells "ends here" from "goes on"
	}
	n, err := b.in.Read(p)
	b.x.Answer.BytesIn += int64(n)
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
	default:
		return n, b.fail(b.bodyFault(err))
	}
	return n, err
}

func (b *h1Body) fail(err error) error {
	b.err = err
	return err
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

// Close implements exchange.Body. What was not read is drained, or the connection closed, when the exchange is over.
func (b *h1Body) Close() error { return nil }

// drain reads what the handler left, at most limit bytes; false when the connection cannot be kept.
func (b *h1Body) drain(limit int64) bool {
	if b.expect || b.err != nil {
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
