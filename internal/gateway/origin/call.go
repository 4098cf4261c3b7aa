package origin

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// maxInformational bounds the 1xx responses before a final one; RFC 9110 section 15.2 allows any number.
const maxInformational = 16

// call is one exchange over an HTTP/1.1 connection. It lives in its conn and is used again.
type call struct {
	c     *conn
	x     *exchange.Exchange
	req   *exchange.Request
	at    int         // index of the attempt in x.Attempts
	stop  func() bool // ends the watch over the exchange's context
	start time.Time
	sent0 int64 // tap counters at the start
	recv0 int64
	ren0  int32
	limit time.Time // of the whole exchange; zero: none
	resp  exchange.Response
	body  respBody
	up    *upload // nil when the request was written at once
}

func (k *call) attempt() *exchange.Attempt { return &k.x.Attempts[k.at] }

func (k *call) begin(ctx context.Context, x *exchange.Exchange, req *exchange.Request, at int) {
	c := k.c
	k.x, k.req, k.at, k.up = x, req, at, nil
	k.start = c.o.now()
	k.sent0, k.recv0, k.ren0 = c.tap.sent.Load(), c.tap.received.Load(), c.tap.renegs.Load()
	k.limit = time.Time{}
	if t := c.o.cfg.Timeouts.Total; t > 0 {
		k.limit = x.Start.Add(t)
	}
	k.stop = nil
	if ctx.Done() != nil {
		k.stop = context.AfterFunc(ctx, c.abortFn)
	}
	c.uses++
}

// deadline is now+d, and not after the limit of the whole exchange; zero means none.
func (k *call) deadline(now time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return k.limit
	}
	t := now.Add(d)
	if !k.limit.IsZero() && k.limit.Before(t) {
		return k.limit
	}
	return t
}

// roundTrip sends req over c and reads the head of the answer. Closing the response's body ends the exchange
// and gives the connection back; on an error it is closed already.
func (c *conn) roundTrip(ctx context.Context, x *exchange.Exchange, req *exchange.Request, at int) (*exchange.Response, *reason.Error) {
	k := &c.call
	k.begin(ctx, x, req, at)
	r := k.send(ctx)
	if r == nil {
		r = k.readHead(ctx)
	}
	if r != nil {
		k.end(false)
		return nil, r
	}
	return &k.resp, nil
}

// readHead reads up to the final head, passing on what comes before it.
func (k *call) readHead(ctx context.Context) *reason.Error {
	c := k.c
	lim := httpwire.Limits{Head: c.o.cfg.MaxHeader, Line: c.o.cfg.MaxHeader, Fields: 256}
	for n := 0; ; n++ {
		if err := c.rd.ReadResponse(lim, k.req.Method, &k.resp); err != nil {
			return k.readFault(ctx, err)
		}
		if a := k.attempt(); a.FirstByte == exchange.NotReached {
			now := c.o.now()
			if k.up != nil && k.up.finished() && k.up.complete {
				a.Write = k.up.out
			}
			a.FirstByte = now.Sub(k.start)
			if a.Write > 0 {
				a.FirstByte -= a.Write
			}
		}
		s := k.resp.Status
		switch {
		case s >= 200:
			return k.final()
		case s == 101:
			return k.upgrade()
		case n >= maxInformational:
			return reason.New(reason.HTTP1TooManyInformational, itoa(n+1)+" responses 1xx before a final one", nil)
		case s == 100:
			if k.up != nil {
				k.up.continued()
			}
		default:
			if err := k.x.W.Informational(s, k.resp.Header); err != nil {
				return k.clientFault(ctx, err)
			}
		}
	}
}

// readFault says why no head came.
func (k *call) readFault(ctx context.Context, err error) *reason.Error {
	c := k.c
	if r := ended(ctx); r != nil {
		return r
	}
	if k.up != nil {
		if r := k.up.fault(); r != nil && (r.Code == reason.WriteTimeout || k.up.client) {
			return r // what we could not send is the cause, the silence its symptom
		}
	}
	ph := reason.PhaseFirstByte
	if c.rd.Buffered() > 0 {
		ph = reason.PhaseHead
	}
	r := c.ioError(ph, err)
	switch r.Code {
	case reason.ReadFirstByteTimeout, reason.ReadHeaderStall:
		if k.overTotal() {
			r = reason.New(reason.ReadOverTotalTime, "total "+c.o.cfg.Timeouts.Total.String(), err)
		}
	case reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader, reason.ReadStaleReusedConnection:
		if k.up != nil && !k.up.finished() {
			r.Detail = "while the request body was being sent" + prefixed(r.Detail)
		}
	}
	return r
}

func (k *call) overTotal() bool { return !k.limit.IsZero() && !k.c.o.now().Before(k.limit) }

func (k *call) clientFault(ctx context.Context, err error) *reason.Error {
	if r := ended(ctx); r != nil {
		return r
	}
	return reason.FromNet(err, reason.PhaseClientWrite)
}

// final takes over a final head: who the connection belongs to now, and how its body is read.
func (k *call) final() *reason.Error {
	c, a := k.c, k.attempt()
	a.Status = k.resp.Status
	k.identity()
	if k.up != nil && !k.up.finished() {
		c.tap.note(fact.Fact{Kind: fact.ResponseHead, Side: fact.SideServer, Code: k.resp.Status, Text: "before the whole request was sent"})
		if k.resp.Status >= 400 || k.resp.Close {
			k.up.halt() // RFC 9112 section 9.5: an error answer ends the need for the body
		}
	}
	k.body.begin(k.resp.Length)
	k.resp.Body = &k.body
	return nil
}

// identity ties the connection to its client where it carries somebody's identity from now on.
func (k *call) identity() {
	c := k.c
	if c.pin != 0 || k.x.Client == nil {
		return
	}
	if (c.certSent.Load() && !c.o.cfg.TLS.ShareConnection) || connectionAuth(k.req.Header, "Authorization") ||
		(k.resp.Status == 401 && connectionAuth(k.resp.Header, "WWW-Authenticate")) {
		c.pin = k.x.Client.ConnID
	}
}

// connectionAuth reports whether a field called name speaks of a scheme that authenticates connections, not requests.
func connectionAuth(h exchange.Header, name string) bool {
	for i := range h {
		if exchange.EqualFold(h[i].Name, name) && (hasScheme(h[i].Value, "NTLM") || hasScheme(h[i].Value, "Negotiate")) {
			return true
		}
	}
	return false
}

// hasScheme reports whether a list of challenges or credentials holds scheme (RFC 9110 section 11.3).
func hasScheme(v, scheme string) bool {
	for part := range strings.SplitSeq(v, ",") {
		word, _, _ := strings.Cut(strings.TrimLeft(part, " \t"), " ")
		if exchange.EqualFold(word, scheme) {
			return true
		}
	}
	return false
}

// upgrade takes over a 101.
func (k *call) upgrade() *reason.Error {
	want := k.req.Upgrade
	got := k.resp.Header.Get("Upgrade")
	if want == "" || !exchange.EqualFold(want, got) {
		return reason.New(reason.HTTP1BadUpgrade, "the origin switched to "+got+" when "+orString(want, "nothing")+" was asked", nil)
	}
	k.attempt().Status = 101
	k.identity()
	k.c.readBy(time.Time{})
	k.c.writeBy(time.Time{})
	k.body.begin(0)
	k.resp.Body = &k.body
	k.resp.Upgraded = &upgraded{c: k.c}
	return nil
}

// upgraded is the byte stream behind a 101; the response's body still ends the exchange.
type upgraded struct{ c *conn }

func (u *upgraded) Read(p []byte) (int, error) {
	n, err := u.c.rd.Read(p)
	if err != nil && err != io.EOF {
		err = u.c.ioError(reason.PhaseBody, err)
	}
	return n, err
}

func (u *upgraded) Write(p []byte) (int, error) {
	if t := u.c.o.cfg.Timeouts.Write; t > 0 {
		u.c.writeBy(u.c.o.now().Add(t))
	}
	n, err := u.c.nc.Write(p)
	if err != nil {
		err = u.c.ioError(reason.PhaseWrite, err)
	}
	return n, err
}

// CloseWrite ends our direction; the origin's goes on.
func (u *upgraded) CloseWrite() error {
	if u.c.tls != nil {
		return u.c.tls.CloseWrite()
	}
	return u.c.raw.CloseWrite()
}

func (u *upgraded) Close() error { u.c.abort(); return nil }

// end closes the books on the exchange and keeps or closes the connection.
func (k *call) end(reuse bool) {
	c := k.c
	if k.up != nil && !k.up.settle(k.req.Body) {
		reuse = false
	}
	if k.stop != nil && !k.stop() {
		reuse = false // the context has ended and its deadline is on the connection
	}
	a := k.attempt()
	a.BytesSent, a.BytesReceived = c.tap.sent.Load()-k.sent0, c.tap.received.Load()-k.recv0
	a.Renegotiations += int(c.tap.renegs.Load() - k.ren0)
	if a.Renegotiations > 0 {
		c.ep.renegs.Store(true)
		c.ep.http1.Store(true)
	}
	c.settle(a)
	k.x, k.req = nil, nil
	c.ep.inflight.Add(-1)
	if reuse && !c.o.closed.Load() && c.tap.refused == nil && c.tap.state.Load() != tapReneg && k.resp.Upgraded == nil {
		c.reused = true
		c.ep.put(c, c.o.now())
		return
	}
	c.close()
}

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
	if c.rd.Buffered() == 0 && !b.inner.Done() {
		c.readBy(k.deadline(c.o.now(), c.o.cfg.Timeouts.ReadIdle))
	}
	n, err := b.inner.Read(p)
	switch {
	case err == nil:
	case err == io.EOF:
		b.done()
	default:
		b.err = b.fault(err)
		a := k.attempt()
		a.Body = c.o.now().Sub(b.start)
		a.Reason, a.Detail, a.Err = b.err.Code, b.err.Detail, b.err
		err = b.err
	}
	return n, err
}

func (b *respBody) done() {
	c, k := b.c, &b.c.call
	a := k.attempt()
	if a.Body == exchange.NotReached {
		a.Body = c.o.now().Sub(b.start)
	}
	if extra := c.rd.Buffered(); extra > 0 && k.resp.Upgraded == nil && a.Reason == "" {
		a.Reason, a.Detail = reason.HTTP1ExtraData, itoa(extra)+" bytes beyond the response"
	}
}

// fault looks behind what the body reader says of a broken connection: the tap may know more.
func (b *respBody) fault(err error) *reason.Error {
	k := &b.c.call
	r := reason.Of(err)
	if r == nil {
		return b.c.ioError(reason.PhaseBody, err)
	}
	if r.Err == nil || (r.Code != reason.ReadTruncated && r.Code != reason.ReadBodyStall) {
		return r
	}
	if k.overTotal() {
		return reason.New(reason.ReadOverTotalTime, "total "+b.c.o.cfg.Timeouts.Total.String(), err)
	}
	deeper := b.c.ioError(reason.PhaseBody, r.Err)
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

// Ready reports whether the next Read will not wait: the caller may want to send the head meanwhile.
func (b *respBody) Ready() bool { return b.err != nil || b.inner.Done() || b.c.rd.Buffered() > 0 }
