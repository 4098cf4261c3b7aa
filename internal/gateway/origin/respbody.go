package origin

import (
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// respBody is the body of a response. Close gives the connection back.
type respBody struct {
	c     *conn
	inner *httpwire.BodyReader
	start time.Time
	err   *reason.Error
	open  bool
}

func (b *respBody) begin(length int64) {
	b.inner = b.c.rd.Body(length, httpwire.Limits{})
	b.start, b.err, b.open = b.c.o.now(), nil, true
	if length == 0 {
		b.c.call.attempt().Body = 0
	}
}

// Read implements exchange.Body.
func (b *respBody) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case !b.open:
		return 0, io.EOF
	}
	c, k := b.c, &b.c.call
	waits := c.rd.Buffered() == 0 && !b.inner.Done()
	if waits {
		k.await(c.o.now())
		k.hears(true)
	}
	n, err := b.inner.Read(p)
	if waits {
		k.hears(false)
	}
	switch {
	case err == nil:
	case err == io.EOF:
		b.done()
	default:
		a, r := k.attempt(), b.fault(err)
		c.o.noteEnd(k.x, a, c.tap, r)
		a.Answered = answered(&k.resp)
		b.err = c.o.told(r, c.tap.sent.Load()-k.sent0, c.tap.received.Load()-k.recv0)
		a.Body = c.o.now().Sub(b.start)
		a.Reason, a.Detail, a.Err = b.err.Code, b.err.Detail, b.err
		err = b.err
	}
	return n, err
}

func (b *respBody) done() {
	c, k := b.c, &b.c.call
	a := k.attempt()
	if k.resp.Length == exchange.UntilClose && b.open {
		c.o.noteClose(a, c.tap)
	}
	if a.Body == exchange.NotReached {
		a.Body = c.o.now().Sub(b.start)
	}
	if extra := c.rd.Buffered(); extra > 0 && k.resp.Upgraded == nil && a.Reason == "" {
		a.Reason, a.Detail = reason.HTTP1ExtraData, itoa(extra)+" bytes beyond the response"
	}
}

// fault looks behind what the body reader says of a broken connection: the tap and the upload may know more.
func (b *respBody) fault(err error) *reason.Error {
	k := &b.c.call
	if k.up != nil {
		if w := k.up.fault(); w != nil && k.up.client {
			return w // the client's body ended in a fault, which ended this exchange
		}
	}
	if b.c.aborted.Load() { // a deadline that we set ourselves is no stall
		if r := ended(k.ctx); r != nil {
			return r
		}
	}
	r := reason.Of(err)
	if r == nil {
		return b.c.ioError(reason.PhaseBody, err)
	}
	if r.Err == nil || (r.Code != reason.ReadTruncated && r.Code != reason.ReadBodyStall) {
		return r
	}
	if r.Code == reason.ReadBodyStall && k.overTotal() {
		return k.tooLong(err)
	}
	deeper := b.c.ioError(reason.PhaseBody, r.Err)
	if deeper.Code == reason.UsInternal {
		return r
	}
	if deeper.Detail == "" {
		deeper.Detail = r.Detail
	}
	return deeper
}

// Trailer implements exchange.Body.
func (b *respBody) Trailer() exchange.Header { return b.inner.Trailer() }

// Close implements exchange.Body.
func (b *respBody) Close() error {
	if !b.open {
		return nil
	}
	b.open = false
	k := &b.c.call
	if b.inner.Done() {
		b.done()
	}
	reuse := b.err == nil && b.inner.Done() && !k.resp.Close && b.c.rd.Buffered() == 0
	_ = b.inner.Close()
	k.end(reuse)
	return nil
}

// halt implements halter.
func (b *respBody) halt() bool {
	k := &b.c.call
	if k.up != nil {
		k.up.settle(k.req.Body)
	}
	return k.begun.Load()
}

// Ready reports whether the next Read will not wait: the caller may want to send the head meanwhile.
func (b *respBody) Ready() bool { return b.err != nil || b.inner.Done() || b.c.rd.Buffered() > 0 }
