package origin

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	// maxInformational bounds the 1xx responses before a final one; RFC 9110 section 15.2 allows any number.
	maxInformational = 16
	// lastWords is how long an origin that takes no more of the request may go on to say why.
	lastWords = 1 * time.Second
)

// call is one exchange over an HTTP/1.1 connection. It lives in its conn and is used again. It belongs to the goroutine
// of the exchange, which alone writes the attempt's record; an upload has a goroutine of its own and shares what is said there.
type call struct {
	c     *conn
	ctx   context.Context // of the exchange: reading its body has none of its own
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
	up    *upload       // nil when the request was written at once
	lost  *reason.Error // why writing failed, where the origin was heard out

	silent    bool        // announce nothing
	announced bool        // with Expect: 100-continue
	begun     atomic.Bool // some of the request body may have been read
	// due serialises setting the read deadline while an upload runs; answered is under it then.
	due      sync.Mutex
	answered bool // a final head is there
	hearing  bool // we wait for bytes of the origin
}

func (k *call) attempt() *exchange.Attempt { return &k.x.Attempts[k.at] }

func (k *call) begin(ctx context.Context, x *exchange.Exchange, req *exchange.Request, at int) {
	c := k.c
	k.ctx, k.x, k.req, k.at, k.up, k.lost = ctx, x, req, at, nil, nil
	k.announced, k.answered, k.hearing = false, false, true
	k.begun.Store(false)
	k.start = c.o.now()
	k.sent0, k.recv0, k.ren0 = c.tap.sent.Load(), c.tap.received.Load(), c.tap.renegs.Load()
	k.limit = time.Time{}
	if t := c.o.cfg.Timeouts.Total; t > 0 {
		k.limit = x.Start.Add(t)
	}
	k.stop = nil
	if a, ok := ctx.(afterFuncer); ok {
		k.stop = a.AfterFunc(c.abortFn)
	} else if ctx.Done() != nil {
		k.stop = context.AfterFunc(ctx, c.abortFn)
	}
	c.uses++
	c.serve(x.ID)
}

// afterFuncer is a context that does what context.AfterFunc does by itself, and cheaper.
type afterFuncer interface {
	AfterFunc(fn func()) (stop func() bool)
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

// await sets the read deadline: nothing is due while the request is on its way, then the first byte, then each piece.
func (k *call) await(now time.Time) {
	if k.up != nil {
		k.due.Lock()
		defer k.due.Unlock()
	}
	t := &k.c.o.cfg.Timeouts
	switch {
	case k.up != nil && !k.up.over:
		k.c.readBy(k.limit)
	case k.answered:
		k.c.readBy(k.deadline(now, t.ReadIdle))
	case k.up != nil && k.up.err != nil: // see upload.leave
		k.c.readBy(k.deadline(now, lastWords))
	default:
		k.c.readBy(k.deadline(now, t.FirstByte))
	}
}

// roundTrip sends req over c and reads the head of the answer. Closing the response's body ends the exchange
// and gives the connection back; on an error it is closed already.
func (c *conn) roundTrip(ctx context.Context, x *exchange.Exchange, req *exchange.Request, at int) (*exchange.Response, *reason.Error) {
	k := &c.call
	k.begin(ctx, x, req, at)
	r := k.send(ctx)
	if r != nil && !c.reused && (r.Code == reason.WriteReset || r.Code == reason.WriteEOF) {
		// An alert, or an answer, may lie before the end that our writing ran into.
		k.lost = r
		c.readBy(k.deadline(c.o.now(), lastWords))
		r = nil
	}
	if r == nil {
		r = k.readHead(ctx)
	}
	if r != nil {
		// A request that broke off before anything had left is nothing to the origin: whoever sends such ones shall not cost it handshakes.
		k.end(r.InRequest && c.tap.sent.Load() == k.sent0 && c.tap.received.Load() == k.recv0)
		return nil, r
	}
	return &k.resp, nil
}

// readHead reads up to the final head, passing on what comes before it.
func (k *call) readHead(ctx context.Context) *reason.Error {
	c := k.c
	lim := httpwire.Limits{Head: c.o.cfg.MaxHeader, Line: c.o.cfg.MaxHeader, Fields: maxFields}
	for n := 1; ; n++ {
		if err := c.rd.ReadResponse(lim, k.req.Method, &k.resp); err != nil {
			return k.readFault(ctx, err)
		}
		s := k.resp.Status
		if s != 100 && k.attempt().FirstByte == exchange.NotReached {
			k.spoke()
		}
		switch {
		case s >= 200:
			return k.final()
		case s == 101:
			return k.upgrade()
		case n > maxInformational:
			return tooManyInformational(n)
		case s == 100:
			if k.up != nil {
				k.up.continued()
			}
		default:
			if err := k.x.W.Informational(s, k.resp.Header); err != nil {
				return clientFault(ctx, err)
			}
		}
	}
}

// maxFields bounds the fields of a response head.
const maxFields = 256

func tooManyInformational(n int) *reason.Error {
	return reason.New(reason.HTTP1TooManyInformational, itoa(n)+" responses 1xx before a final one", nil)
}

// spoke notes when the answer began: after the request was out, or, where it came before that, since the start.
func (k *call) spoke() {
	a := k.attempt()
	if k.up != nil && k.up.finished() && k.up.complete {
		a.Write = k.up.out
	}
	a.FirstByte = k.c.o.now().Sub(k.start)
	if a.Write > 0 {
		a.FirstByte = max(a.FirstByte-a.Write, 0)
	}
}

// final takes over a final head: who the connection belongs to now, and how its body is read.
func (k *call) final() *reason.Error {
	a := k.attempt()
	if a.Status = k.resp.Status; a.Status >= 400 || k.resp.Length == exchange.UntilClose {
		a.Answered = answered(&k.resp)
	}
	k.identity()
	if k.up == nil {
		k.answered = true
	} else {
		k.due.Lock()
		k.answered = true
		k.due.Unlock()
		k.overtaken()
	}
	k.hears(false)
	k.body.begin(k.resp.Length)
	k.resp.Body = &k.body
	return nil
}

// overtaken decides what becomes of a request body that a final head overtook. An error answer ends the need for it
// (RFC 9112 section 9.5), and so does any answer to a body that still waits for its 100 (RFC 9110 section 10.1.1);
// else both directions go on.
func (k *call) overtaken() {
	if k.up.finished() {
		return
	}
	k.c.tap.note(fact.Fact{Kind: fact.ResponseHead, Side: fact.SideServer, Code: k.resp.Status, Text: "before the whole request was sent"})
	if k.up.held() {
		k.c.tap.note(fact.Fact{Kind: fact.ContinueWaited, Side: fact.SideClient, Text: "answered"})
	}
	if k.resp.Status >= 400 || k.resp.Close || k.up.held() {
		k.up.halt()
		return
	}
	k.c.watch(k.up.done)
}

// end closes the books on the exchange and keeps or closes the connection.
func (k *call) end(reuse bool) {
	c := k.c
	a := k.attempt()
	if k.up != nil && !k.up.settle(k.req.Body) {
		reuse = false
		if k.answered && a.Reason == "" {
			a.Reason, a.Detail = reason.WriteEarlyResponse, itoa(a.Status)+" after "+itoa(int(k.up.sent))+" body bytes"
		}
	}
	a.Announced = k.announced
	c.leave()
	if k.stop != nil && !k.stop() {
		reuse = false // the context has ended and its deadline is on the connection
	}
	a.BytesSent, a.BytesReceived = c.tap.sent.Load()-k.sent0, c.tap.received.Load()-k.recv0
	a.Renegotiations += int(c.tap.renegs.Load() - k.ren0)
	if a.Renegotiations > 0 {
		c.ep.http1.Store(true)
	}
	c.settle(a)
	c.turn(k.x, exchange.TurnOver)
	k.ctx, k.x, k.req = nil, nil, nil
	c.ep.inflight.Add(-1)
	if reuse && k.lost == nil && c.reusable() {
		c.reused = true
		c.ep.put(c, c.o.now())
		return
	}
	c.close()
}

// reusable reports whether the next exchange may have c: nothing is in doubt, and nothing is under way.
func (c *conn) reusable() bool {
	return !c.private && c.dead.why.Load() == nil && !c.o.closed.Load() && c.tap.refused.Load() == nil && c.tap.state.Load() != tapReneg && !c.tap.spent() &&
		c.call.resp.Upgraded == nil && !c.unread()
}
