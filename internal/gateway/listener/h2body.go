package listener

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Body is the request body of a stream.
type h2Body struct {
	e     *h2Exchange
	r     *http.Request
	s     *Settings
	left  int64 // bytes that may still come; negative: no limit
	until time.Time
	err   error
}

// SetLimit is as for HTTP/1.1.
func (b *h2Body) SetLimit(n int64) { b.left = n }

func (b *h2Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.extend(time.Now())
	n, err := b.r.Body.Read(p)
	b.e.x.Answer.BytesIn += int64(n)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			b.err = reason.New(reason.LimitBodyTooBig, "request body", nil)
			return 0, b.err
		}
	}
	if err == nil {
		return n, nil
	}
	switch {
	case errors.Is(err, io.EOF):
		b.err = err
		_ = http.NewResponseController(b.e.w.w).SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.err = reason.New(reason.ClientSlow, "request body", err)
	default:
		b.err = gone("inside the request body", err)
	}
	return n, b.err
}

// extend moves the read deadline of the stream, not at every call.
func (b *h2Body) extend(now time.Time) {
	if d := b.s.BodyIdle; d >= 0 && b.until.Sub(now) < d {
		b.until = now.Add(d + d/4)
		_ = http.NewResponseController(b.e.w.w).SetReadDeadline(b.until)
	}
}

// Trailer implements exchange.Body. Only fields that the client announced in Trailer are there: the library drops others.
func (b *h2Body) Trailer() exchange.Header {
	if !errors.Is(b.err, io.EOF) || len(b.r.Trailer) == 0 {
		return nil
	}
	names := make([]string, 0, len(b.r.Trailer))
	for name := range b.r.Trailer {
		names = append(names, name)
	}
	slices.Sort(names)
	var h exchange.Header
	for _, name := range names {
		for _, v := range b.r.Trailer[name] {
			if httpwire.IsToken(name) && httpwire.ValidFieldValue(v) && !httpwire.ForbiddenTrailer(name) {
				h.Add(name, v)
			}
		}
	}
	return h
}

// Close implements exchange.Body.
func (b *h2Body) Close() error { return b.r.Body.Close() }
