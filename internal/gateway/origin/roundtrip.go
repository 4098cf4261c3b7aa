package origin

import (
	"context"
	"net/netip"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Rewinder is a request body that can be read again from its start: the policy stage holds such bodies. A body that is
// no Rewinder and was begun can only be sent once.
type Rewinder interface {
	// Rewind reports whether the next Read begins at the start again.
	Rewind() bool
}

// RoundTrip sends req, which belongs to x, to the origin and returns the head of the answer with its body as a stream. Closing the body
// ends the attempt; the response must not be used after that. The error is a *reason.Error. Either way x.Attempts
// tells of every try.
func (o *Origin) RoundTrip(ctx context.Context, x *exchange.Exchange, req *exchange.Request) (*exchange.Response, error) {
	t := try{o: o, x: x, req: req, nameless: req.Authority == ""}
	t.http1 = req.Upgrade != "" || connectionAuth(req.Header, "Authorization")
	for {
		resp, r := t.once(ctx)
		again := false
		if r != nil {
			again = t.again(r)
		} else {
			again = t.refused(resp)
		}
		if !again || (!t.more && t.retries >= o.cfg.Retries) {
			if r != nil {
				return nil, r
			}
			return resp, nil
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		if !t.more { // another address of the same URL is the same try
			t.retries++
		}
		if last := len(x.Attempts) - 1; last >= 0 {
			x.Attempts[last].Retried = true
		}
	}
}

// maxTried bounds how many addresses of one URL one exchange tries.
const maxTried = 8

// try is what the attempts of one exchange learn from one another.
type try struct {
	o        *Origin
	x        *exchange.Exchange
	req      *exchange.Request
	nameless bool // HTTP/1.0 without Host: each origin is asked by its own name
	check    bool // a health check
	retries  int  // so far

	http1   bool // speak HTTP/1.1
	fresh   bool // use no kept connection
	quiet   bool // announce no body
	misled  bool // a 421 came: resume no session either
	resumed bool // the last attempt failed while it resumed a session

	ep     *endpoint   // of the last attempt
	failed []*endpoint // not again, where another is left
	tried  []netip.Addr
	more   bool // ep has addresses that were not tried yet

	// Of the last attempt.
	conn      *conn // nil when none was had
	bodyBegun bool  // some of the request body may have been read
	untouched bool  // the origin has proven that it did nothing with the request
}

// once makes one attempt.
func (t *try) once(ctx context.Context) (*exchange.Response, *reason.Error) {
	if r := ended(ctx); r != nil {
		return nil, r
	}
	if !t.more {
		ep, r := t.o.pick(t.x, t.failed)
		if r != nil {
			t.ep = nil
			return nil, r
		}
		t.ep, t.tried = ep, t.tried[:0]
		if t.nameless {
			named := *t.req
			named.Authority = orString(t.o.cfg.Host, ep.url.authority())
			t.req = &named
		}
	}
	at := newAttempt(t.x, t.ep, t.o.now())
	resp, r := t.exchange(ctx, at)
	a := &t.x.Attempts[at]
	a.Sent = t.req
	t.learned(a, resp)
	if r != nil {
		t.o.noteEnd(t.x, a, t.tapOf(), r)
		r = t.o.told(r, a.BytesSent, a.BytesReceived)
		a.Reason, a.Detail, a.Err = r.Code, r.Detail, r
		if !r.InRequest && !t.check {
			t.ep.health.failed(t.ep, r, t.o.now())
		}
		return nil, r
	}
	if !t.check {
		t.ep.health.succeeded(t.ep)
	}
	return resp, nil
}

// tapOf is the tap of the last attempt's connection, nil without.
func (t *try) tapOf() *tap {
	if t.conn == nil {
		return nil
	}
	return t.conn.tap
}

func (t *try) exchange(ctx context.Context, at int) (resp *exchange.Response, r *reason.Error) {
	t.more, t.conn, t.bodyBegun, t.untouched = false, nil, false, false
	c, r := t.connection(ctx, at)
	if r != nil {
		return nil, r
	}
	t.conn = c
	c.describe(&t.x.Attempts[at])
	t.ep.inflight.Add(1)
	if c.h2 != nil {
		s, r := c.h2.roundTrip(ctx, t.x, t.req, at)
		t.bodyBegun, t.untouched = s.begun(), s.untouched()
		if r != nil {
			return nil, r
		}
		return &s.resp, nil
	}
	c.call.silent = t.quiet
	resp, r = c.roundTrip(ctx, t.x, t.req, at)
	t.bodyBegun = c.call.begun.Load() // c is closed or still ours
	return resp, r
}
