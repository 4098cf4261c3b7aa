package listener

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// tunnel carries a passed-through connection to its origin, byte for byte, and records it when it is over as an
// exchange with one attempt. TLS stays end to end; what its record headers tell is read all the same (see tap).
type tunnel struct {
	c      *conn
	client *helloConn
	origin net.Conn
	idle   time.Duration
	tap    tap
	last   atomic.Int64 // unix nanoseconds of the last byte either way
	up     atomic.Int64 // bytes client → origin
	down   atomic.Int64
	quit   atomic.Int32 // 1 + the side that ended first
	ended  [2]error     // how the reading from each side ended; nil is a clean end
}

const (
	fromC = 0
	fromO = 1
)

// tunnel serves a connection whose ClientHello names a passed-through site.
func (c *conn) tunnel(site *SiteTLS, raw *helloConn) {
	first := raw.seen
	raw.settle()
	start := time.Now()
	x := &exchange.Exchange{ID: exchange.NewID(start), Start: start, Client: c.client, Site: site.Name}
	x.Request.Body = exchange.NoBody
	x.Attempts = []exchange.Attempt{{
		Start: start, DNS: exchange.NotReached, Connect: exchange.NotReached, TLS: exchange.NotReached, Write: exchange.NotReached,
		FirstByte: exchange.NotReached, Body: exchange.NotReached, SNI: c.client.TLS.ServerName, AlertReceived: -1, AlertSent: -1,
	}}
	a := &x.Attempts[0]
	ctx, cancel := context.WithCancelCause(c.l.base)
	defer cancel(context.Canceled)
	origin, err := c.dialTunnel(ctx, site, a)
	if err != nil {
		e := asReason(err, reason.TCPTimeout)
		a.Reason, a.Detail, a.Err = e.Code, e.Detail, err
		// The client waits for a ServerHello: an alert tells it more than a FIN (RFC 8446 section 6.2).
		_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.nc.Write(tlswire.AppendRecord(nil, tlswire.TypeAlert, 0x0301, []byte{tlswire.AlertFatal, tlswire.AlertInternalError}))
	} else {
		t := &tunnel{c: c, client: raw, origin: origin, idle: c.l.settings.Load().TunnelIdle}
		t.tap.init()
		stop := context.AfterFunc(ctx, func() { _ = origin.Close() })
		t.run(first)
		stop()
		t.report(a)
		x.Answer.BytesIn, x.Answer.BytesOut = t.up.Load(), t.down.Load()
	}
	x.Answer.Reason, x.Answer.Detail = a.Reason, a.Detail
	x.Answer.Duration = time.Since(start)
	c.l.cfg.Record(x)
}

func (c *conn) dialTunnel(ctx context.Context, site *SiteTLS, a *exchange.Attempt) (net.Conn, error) {
	if c.l.cfg.Dial == nil {
		return nil, reason.New(reason.ConfigNoOrigin, "no way to dial given", nil)
	}
	return c.l.cfg.Dial(ctx, site.Name, c.client, a)
}

// run copies both ways until both sides have ended, one broke, or nothing moved for the idle time.
func (t *tunnel) run(first []byte) {
	t.last.Store(time.Now().UnixNano())
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		t.ended[fromO] = t.copy(t.client, t.origin, nil, fromO)
	}()
	t.ended[fromC] = t.copy(t.origin, t.client, first, fromC)
	wg.Wait()
	_ = t.origin.Close()
	_ = t.client.Close()
}

// copy carries one direction, its end included; nil when the source ended in good order.
func (t *tunnel) copy(dst, src net.Conn, first []byte, from int) error {
	err := t.pump(dst, src, first, from)
	t.quit.CompareAndSwap(0, int32(1+from))
	if err == nil {
		if w, ok := halfCloser(dst); ok {
			_ = w.CloseWrite() // the other direction may go on
			return nil
		}
	}
	_ = t.origin.Close() // broken: neither side learns it otherwise
	_ = t.client.Close()
	return err
}

func halfCloser(c net.Conn) (interface{ CloseWrite() error }, bool) {
	if h, ok := c.(*helloConn); ok {
		c = h.Conn
	}
	w, ok := c.(interface{ CloseWrite() error })
	return w, ok
}

var errTunnelIdle = errors.New("tunnel idle")

func (t *tunnel) pump(dst, src net.Conn, first []byte, from int) error {
	count := &t.up
	if from == fromO {
		count = &t.down
	}
	buf := getBuf()
	defer putBuf(buf)
	for p := first; ; {
		if len(p) > 0 {
			now := time.Now()
			t.last.Store(now.UnixNano())
			t.tap.feed(from, p, now)
			_ = dst.SetWriteDeadline(deadline(now, t.idle))
			n, err := dst.Write(p)
			count.Add(int64(n))
			if err != nil {
				return err
			}
		}
		_ = src.SetReadDeadline(deadline(time.Unix(0, t.last.Load()), t.idle))
		n, err := src.Read((*buf)[:cap(*buf)])
		p = (*buf)[:n]
		switch {
		case n > 0 || err == nil:
		case isTimeout(err):
			if time.Since(time.Unix(0, t.last.Load())) >= t.idle {
				return errTunnelIdle
			}
		case isEOF(err):
			return nil
		default:
			return err
		}
	}
}

// report puts what was seen into the attempt.
func (t *tunnel) report(a *exchange.Attempt) {
	a.BytesSent, a.BytesReceived = t.up.Load(), t.down.Load()
	p := &t.tap
	a.Facts = append(a.Facts, p.facts...)
	a.TLSVersion, a.Cipher, a.ALPN = p.version, p.cipher, p.alpn
	a.AlertReceived, a.AlertSent = p.alert[fromO], p.alert[fromC]
	a.Renegotiations = p.renegotiations
	if !p.doneAt.IsZero() {
		a.TLS = max(p.doneAt.Sub(a.Start)-max(a.Connect, 0)-max(a.DNS, 0), 0)
	}
	a.Reason, a.Detail = t.reason()
}

// reason says why the tunnel ended, "" where both sides ended in good order.
func (t *tunnel) reason() (reason.Code, string) {
	p := &t.tap
	idle := errors.Is(t.ended[fromC], errTunnelIdle) || errors.Is(t.ended[fromO], errTunnelIdle)
	switch {
	case p.notTLS:
		return reason.TLSNotTLS, "first bytes of the origin"
	case p.unanswered:
		return reason.TLSRenegotiationAsked, "the client did not answer"
	case p.alert[fromO] > 0:
		return reason.TLSAlert, alertDetail(uint8(p.alert[fromO]))
	case p.alert[fromC] > 0:
		return reason.ClientTLSFailed, "received alert " + alertDetail(uint8(p.alert[fromC]))
	case p.doneAt.IsZero() && idle:
		return reason.TLSTimeout, "origin in the handshake"
	case p.doneAt.IsZero() && isReset(t.ended[fromO]):
		return reason.TLSReset, ""
	case p.doneAt.IsZero() && t.quit.Load() == 1+fromO:
		return reason.TLSEOF, "in the handshake"
	case p.doneAt.IsZero():
		return reason.ClientGone, "in the handshake"
	case idle:
		return reason.ClientUpgradeEnded, "idle"
	case isReset(t.ended[fromO]):
		return reason.ReadResetInBody, ""
	case isReset(t.ended[fromC]):
		return reason.ClientGone, "reset"
	}
	return "", ""
}
