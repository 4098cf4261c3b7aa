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
	t := try{o: o, x: x, req: req, http1: req.Upgrade != "", nameless: req.Authority == ""}
	for n := 0; ; n++ {
		resp, r := t.once(ctx)
		again := false
		switch {
		case r != nil:
			again = t.again(r)
		case resp.Status == 421:
			again = t.misdirected(resp)
		default:
			return resp, nil
		}
		if !again || n >= o.cfg.Retries {
			if r != nil {
				return nil, r
			}
			return resp, nil
		}
		if r == nil {
			_ = resp.Body.Close()
		}
		if last := len(x.Attempts) - 1; last >= 0 {
			x.Attempts[last].Retried = true
		}
	}
}

// try is what the attempts of one exchange learn from one another.
type try struct {
	o     *Origin
	x     *exchange.Exchange
	req   *exchange.Request
	http1 bool // speak HTTP/1.1
	fresh bool // use no kept connection
	f421  bool // SNI and Host made equal for a 421

	nameless bool // HTTP/1.0 without Host: each origin is asked by its own name

	ep     *endpoint   // of the last attempt
	failed []*endpoint // not again, where another is left
	tried  []netip.Addr
	more   bool // ep has addresses that were not tried yet
	begun  bool // the request may have reached the origin
	reused bool
	alpnH2 bool
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
	t.more, t.begun, t.reused, t.alpnH2 = false, false, false, false
	at := newAttempt(t.x, t.ep, t.o.now())
	resp, r := t.exchange(ctx, at)
	a := &t.x.Attempts[at]
	if r != nil {
		a.Reason, a.Detail, a.Err = r.Code, r.Detail, r
		if !r.InRequest {
			t.ep.health.failed(t.ep, r, t.o.now())
		}
		return nil, r
	}
	t.ep.health.succeeded(t.ep)
	return resp, nil
}

func (t *try) exchange(ctx context.Context, at int) (*exchange.Response, *reason.Error) {
	c, r := t.connection(ctx, at)
	if r != nil {
		return nil, r
	}
	t.begun, t.reused = true, c.reused
	a := &t.x.Attempts[at]
	c.describe(a)
	t.ep.inflight.Add(1)
	if c.h2 != nil {
		t.alpnH2 = true
		return c.roundTripHTTP2(ctx, t.x, t.req, at)
	}
	return c.roundTrip(ctx, t.x, t.req, at)
}

// connection takes an idle connection or opens one.
func (t *try) connection(ctx context.Context, at int) (*conn, *reason.Error) {
	o, ep, a := t.o, t.ep, &t.x.Attempts[at]
	sni := ""
	if ep.url.secure {
		sni = serverName(o.cfg.TLS.ServerName, t.req.Authority)
		if t.f421 {
			sni = hostname(t.req.Authority)
		}
	}
	var client uint64
	if t.x.Client != nil {
		client = t.x.Client.ConnID
	}
	if !t.fresh {
		if c := t.kept(sni, client); c != nil {
			a.DNS, a.Connect, a.TLS = 0, 0, 0
			if !c.idleSince.IsZero() {
				a.Idle = a.Start.Sub(c.idleSince)
			}
			return c, nil
		}
	}
	d := dialer{o: o, ep: ep, a: a, sni: sni, alpn: ep.protocols(t.http1), tried: t.tried, f421: t.f421}
	addrs, r := d.addresses(ctx)
	if r != nil {
		return nil, r
	}
	c, r := d.dial(ctx, addrs[0])
	if r != nil {
		t.tried = append(t.tried, addrs[0])
		t.more = len(addrs) > len(t.tried) && !sameEverywhere(r.Code)
		return nil, r
	}
	if c.h2 != nil {
		ep.addHTTP2(c)
	}
	return c, nil
}

// kept returns a connection that is already there.
func (t *try) kept(sni string, client uint64) *conn {
	ep := t.ep
	if !t.http1 && !ep.http1.Load() && ep.o.cfg.HTTP != "1.1" {
		if c := ep.takeHTTP2(sni); c != nil {
			return c
		}
	}
	c := ep.take(sni, client, t.o.now())
	if c != nil && heavy(t.req) && c.mayRenegotiate() && c.tap.renegs.Load() == 0 {
		// A heavy body is announced, and only on a fresh connection: an Expect on a kept one that dies is ambiguous.
		ep.put(c, c.idleSince)
		return nil
	}
	return c
}

// sameEverywhere reports whether another address of the same URL would surely say the same.
func sameEverywhere(c reason.Code) bool {
	switch c {
	case reason.TLSClientCertRequired, reason.TLSClientCertRejected, reason.ClientGone, reason.LimitNoFDs, reason.LimitNoMemory:
		return true
	}
	return false
}

// again decides whether the request may be sent once more after r, and how.
func (t *try) again(r *reason.Error) bool {
	if t.ep == nil || r.Code == reason.ClientGone || r.Code == reason.ReadOverTotalTime {
		return false
	}
	switch {
	case !t.begun: // nothing of it has left
		return t.more || t.elsewhere()
	case r.Code == reason.HTTP2RST && t.ep.http1.Load() && t.alpnH2: // HTTP_1_1_REQUIRED: not processed, RFC 9113 section 7
		t.http1, t.fresh = true, true
		return t.replay()
	case r.Code == reason.TLSRenegotiationRefused && t.alpnH2:
		t.ep.http1.Store(true)
		t.http1, t.fresh = true, true
		return idempotent(t.req.Method) && t.replay()
	case r.Code == reason.HTTP2RefusedStream: // RFC 9113 section 8.7
		t.fresh = true
		return t.replay()
	case r.Code == reason.HTTP2GoAway:
		t.fresh = true
		return idempotent(t.req.Method) && t.replay()
	case r.Code == reason.ReadStaleReusedConnection: // RFC 9112 section 9.3.1
		t.fresh = true
		return idempotent(t.req.Method) && t.replay()
	case r.Code == reason.ReadEOFBeforeHeader || r.Code == reason.ReadResetBeforeHeader || r.Code == reason.WriteReset || r.Code == reason.WriteEOF:
		return idempotent(t.req.Method) && t.elsewhere() && t.replay()
	}
	return false
}

// elsewhere puts the endpoint aside for this exchange and reports whether another is left.
func (t *try) elsewhere() bool {
	t.failed = append(t.failed, t.ep)
	return len(t.failed) < len(t.o.endpoints)
}

// replay reports whether the body can be sent from its start.
func (t *try) replay() bool {
	if t.req.Length == 0 {
		return true
	}
	if rw, ok := t.req.Body.(Rewinder); ok {
		return rw.Rewind()
	}
	return false
}

// misdirected reports whether a 421 can be answered by a fresh connection whose SNI is the Host (RFC 9110 section 15.5.20).
func (t *try) misdirected(resp *exchange.Response) bool {
	if t.f421 || !t.replay() || !t.ep.url.secure {
		return false
	}
	a := &t.x.Attempts[len(t.x.Attempts)-1]
	if !t.reused && a.SNI == hostname(t.req.Authority) && !a.Resumed {
		return false // nothing that we could do better
	}
	a.Reason, a.Detail = reason.OriginStatus4xx, "421 misdirected request"
	if t.o.cfg.TLS.ServerName == "" {
		t.f421 = true
	}
	t.fresh = true
	return true
}

// idempotent reports whether sending twice means the same as once (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
