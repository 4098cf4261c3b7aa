package origin

import (
	"context"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// connection takes a connection that is there or opens one. Under MaxConns it waits for either, at most the connect timeout.
func (t *try) connection(ctx context.Context, at int) (*conn, *reason.Error) {
	a := &t.x.Attempts[at]
	sni := t.serverName()
	if c := t.kept(a, sni); c != nil {
		return c, nil
	}
	if total := t.o.cfg.Timeouts.Total; total > 0 {
		over := reason.New(reason.ReadOverTotalTime, timeout(total, "total"), nil)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, t.x.Start.Add(total), over)
		defer cancel()
	}
	room := &t.ep.room
	slot := !t.check && room.max > 0
	if slot && !room.enter() {
		start := t.o.now()
		c, r := t.queue(ctx, a, sni)
		a.Facts = append(a.Facts, poolWaited(start, t.o.now(), r))
		if c != nil || r != nil {
			return c, r
		}
	}
	return t.open(ctx, a, sni, slot)
}

// queue waits for room. It returns a connection that became free, or nil once there is a place for a new one.
func (t *try) queue(ctx context.Context, a *exchange.Attempt, sni string) (*conn, *reason.Error) {
	room := &t.ep.room
	if r := room.join(); r != nil {
		return nil, r
	}
	defer room.part()
	var due <-chan time.Time
	if d := t.o.cfg.Timeouts.Connect; d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	for {
		if c := t.kept(a, sni); c != nil {
			return c, nil
		}
		if room.enter() {
			return nil, nil
		}
		if t.ep.evict() { // idle, but for another name or another client
			continue
		}
		if r := room.wait(ctx, due); r != nil {
			return nil, r
		}
	}
}

// open dials the next address of the endpoint.
func (t *try) open(ctx context.Context, a *exchange.Attempt, sni string, slot bool) (*conn, *reason.Error) {
	ep := t.ep
	d := dialer{o: t.o, ep: ep, a: a, x: t.x, sni: sni, alpn: ep.protocols(t.http1), tried: t.tried, anew: t.misled || t.resumed, slot: slot}
	addrs, r := d.addresses(ctx)
	if r != nil {
		if slot {
			ep.room.leave()
		}
		return nil, r
	}
	d.left = len(addrs) - len(t.tried)
	c, r := d.dial(ctx, addrs[0])
	if r == nil && t.resumed {
		t.blameSession()
	}
	if r != nil {
		if d.offered && !t.resumed && resumable(r.Code) {
			t.resumed, t.more = true, true // the same address once more, with a full handshake
			return nil, r
		}
		t.tried = append(t.tried, addrs[0])
		t.more = len(addrs) > len(t.tried) && len(t.tried) < maxTried && !sameEverywhere(r.Code)
		return nil, r
	}
	if c.h2 != nil {
		ep.addHTTP2(c, t.x)
	}
	return c, nil
}

// blameSession names the failure of the attempt before this one: all that this one did differently was to resume nothing.
func (t *try) blameSession() {
	t.resumed = false
	if n := len(t.x.Attempts); n > 1 {
		a := &t.x.Attempts[n-2]
		a.Reason, a.Detail = reason.TLSSessionFault, "resuming ended in "+string(a.Reason)+prefixed(a.Detail)+"; a full handshake did not"
	}
}

// serverName is the SNI of this attempt; "" without TLS.
func (t *try) serverName() string {
	if !t.ep.url.secure {
		return ""
	}
	return serverName(t.o.cfg.TLS.ServerName, t.req.Authority)
}

// client is the connection that the exchange came on, 0 for none.
func (t *try) client() uint64 {
	if t.x.Client == nil {
		return 0
	}
	return t.x.Client.ConnID
}

// kept returns a connection that is already there, and notes so in a.
func (t *try) kept(a *exchange.Attempt, sni string) *conn {
	if t.fresh {
		return nil
	}
	ep := t.ep
	if !t.http1 && !ep.http1.Load() && t.o.cfg.HTTP != "1.1" {
		if c := ep.takeHTTP2(sni, t.client()); c != nil {
			a.DNS, a.Connect, a.TLS, a.Reused = 0, 0, 0, true
			return c
		}
	}
	c := ep.take(sni, t.client(), t.o.now())
	if c == nil {
		return nil
	}
	if heavy(t.req) && c.mayRenegotiate() && c.tap.renegs.Load() == 0 && !t.quiet {
		// A heavy body is announced, and only on a fresh connection: an Expect on a kept one that dies is ambiguous.
		ep.put(c, c.idleSince)
		return nil
	}
	a.DNS, a.Connect, a.TLS = 0, 0, 0
	a.Idle = max(a.Start.Sub(c.idleSince), 0)
	return c
}

// resumable reports whether a failed handshake may have failed for the session that it offered to resume.
func resumable(c reason.Code) bool {
	return c == reason.TLSAlert || c == reason.TLSNoCommonCipher || c == reason.TLSEOF || c == reason.TLSReset || c == reason.TLSTimeout || c == reason.TLSSessionFault
}

// sameEverywhere reports whether another address of the same URL would surely say the same.
func sameEverywhere(c reason.Code) bool {
	switch c {
	case reason.TLSClientCertRequired, reason.TLSClientCertRejected, reason.ClientGone, reason.ReadOverTotalTime,
		reason.LimitNoFDs, reason.LimitNoMemory, reason.LimitNoPorts:
		return true
	}
	return false
}
