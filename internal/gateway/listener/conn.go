package listener

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// The states of a connection, for draining: an idle one may be closed by anybody, a busy one ends itself.
const (
	stateBusy int32 = iota
	stateIdle
	stateClosed
)

// conn is one client connection from accept to close.
type conn struct {
	// constant
	l        *Listener
	nc       net.Conn // the socket
	accepted time.Time

	// set by the connection's goroutine before the first request
	client  *exchange.Client
	counted netip.Prefix // guarded by table.mu
	raw     *helloConn   // nil on a plain connection
	tc      *tls.Conn    // nil on a plain connection; set before the first stateIdle

	state atomic.Int32
	used  atomic.Bool // a first request has begun
}

// newcomer is how long after accept a connection may still send its first request while the listener drains: its client
// cannot tell a connection closed before that from a request that was lost.
const newcomer = 2 * time.Second

func (c *conn) isNew() bool { return !c.used.Load() && time.Since(c.accepted) < newcomer }

func newConn(l *Listener, nc net.Conn) *conn {
	c := &conn{l: l, nc: nc, accepted: time.Now()}
	c.client = &exchange.Client{ConnID: l.connID(), Peer: addrPort(nc.RemoteAddr()), Local: addrPort(nc.LocalAddr()), Listener: l.cfg.Address}
	c.client.Addr = c.client.Peer
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// deadline is the time d from now, or none for a negative d.
func deadline(now time.Time, d time.Duration) time.Time {
	if d < 0 {
		return time.Time{}
	}
	return now.Add(d)
}

// run opens the connection, then serves it on a goroutine of its own: the handshake's deep stack does not outlive it.
func (c *conn) run() {
	if o := c.l.cfg.Observe; o != nil {
		o.Opened(c.client)
	}
	serve, err := c.safeOpen()
	if err != nil {
		if err.Code != reason.ClientGone { // a probe that connects and leaves is no event
			c.l.refuseConn(c.client, c.accepted, err)
		}
		if err.Code == reason.ClientCertRequired || err.Code == reason.ClientCertRejected {
			lingerClose(c.nc, c.nc, c.l.settings.Load().Linger) // in TLS 1.3 a request may be on its way and would cost the client our alert
		}
		_ = c.nc.Close()
	}
	if serve == nil {
		c.done()
		return
	}
	go func() {
		defer c.done()
		defer c.recover()
		serve()
	}()
}

// safeOpen is open, with a panic on the way ending the connection.
func (c *conn) safeOpen() (serve func(), err *reason.Error) {
	defer func() {
		if v := recover(); v != nil {
			c.l.panicked(v, c.client, c.accepted, "before the first request")
			_ = c.nc.Close()
			serve, err = nil, nil
		}
	}()
	return c.open()
}

// recover keeps a panic to the connection that it happened on. Handlers are to recover their own.
func (c *conn) recover() {
	if v := recover(); v != nil {
		c.l.panicked(v, c.client, c.accepted, "connection")
	}
}

func (c *conn) done() {
	_ = c.nc.Close()
	if c.raw != nil && c.raw.tape != nil {
		c.raw.tape.Close()
	}
	if o := c.l.cfg.Observe; o != nil {
		o.Closed(c.client)
	}
	c.l.conns.remove(c)
	c.l.running.Done()
}

// open brings the connection to its first request and returns what serves it.
func (c *conn) open() (func(), *reason.Error) {
	s := c.l.settings.Load()
	var prefix []byte
	if c.l.cfg.Proxy != ProxyOff {
		var err error
		if prefix, err = c.readProxy(s); err != nil {
			return nil, asReason(err, reason.ProxyProtoRejected)
		}
	}
	if !c.l.conns.count(c, s.PerClient) {
		return nil, reason.New(reason.LimitConnLimit, "client address", nil)
	}
	if c.l.tls == nil {
		return func() { newH1(c, c.nc, prefix).serve() }, nil
	}
	return c.openTLS(s, prefix)
}

func (c *conn) openTLS(s *Settings, prefix []byte) (func(), *reason.Error) {
	raw := newHelloConn(c.nc, prefix)
	if c.raw = raw; c.l.cfg.Flight != nil {
		raw.open = c.openTape
	}
	until := deadline(time.Now(), s.Header)
	_ = c.nc.SetDeadline(until)
	h, name, err := c.l.tls.handshake(raw)
	switch {
	case errors.Is(err, errTunnel):
		_ = c.nc.SetDeadline(time.Time{})
		c.client.TLS = &exchange.ClientTLS{ServerName: name}
		return func() { c.tunnel(h.site, raw) }, nil
	case err != nil:
		c.client.TLS = &exchange.ClientTLS{ServerName: name}
		r := c.handshakeFailed(err, raw)
		c.shook(nil, r.Code)
		return nil, r
	}
	raw.settle()
	_ = c.nc.SetDeadline(time.Time{})
	c.tc = h.conn
	c.client.TLS = clientTLS(h, name)
	c.shook(c.client.TLS, "")
	if c.client.TLS.ALPN == "h2" {
		raw.direct = true // x/net/http2 always reads
		return func() { c.l.h2.serve(c, h.conn) }, nil
	}
	return func() {
		h1 := newH1(c, h.conn, nil)
		h1.feed = raw.feed
		h1.serve()
	}, nil
}

// shook tells of a handshake.
func (c *conn) shook(state *exchange.ClientTLS, code reason.Code) {
	if o := c.l.cfg.Observe; o != nil {
		o.Handshake(c.client, state, code)
	}
}

const (
	plainText  = "This port speaks HTTPS. Use https:// in place of http:// to reach it.\n"
	plainOnTLS = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Proxy-Status: lunette; error=http_request_error; details=\"client.plain_on_tls\"\r\nContent-Length: "
)

// handshakeFailed classifies err, and answers in clear where the client spoke plain HTTP.
func (c *conn) handshakeFailed(err error, raw *helloConn) *reason.Error {
	r := handshakeFault(err, raw)
	switch {
	case r.Code == reason.ClientTLSFailed && isEOF(err) && len(raw.seen) == 0 && !raw.hello:
		r.Code = reason.ClientGone // connected and left
	case r.Code == reason.ClientPlainOnTLS:
		_, _ = io.WriteString(c.nc, plainOnTLS+strconv.Itoa(len(plainText))+"\r\n\r\n"+plainText)
		lingerClose(c.nc, c.nc, c.l.settings.Load().Linger)
	}
	return r
}

func looksLikeHTTP(b []byte) bool {
	for _, m := range []string{"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PROPFIND ", "PRI * "} {
		if n := min(len(b), len(m)); n >= 3 && bytes.Equal(b[:n], []byte(m[:n])) {
			return true
		}
	}
	return false
}

// lingerClose ends our side and reads on for a while, so that the client can read what we sent: closing with unread
// bytes in our buffer makes the kernel send a reset, which may destroy the answer (RFC 9112 section 9.6).
func lingerClose(sock, rw net.Conn, d time.Duration) {
	if d < 0 {
		return
	}
	half := func() error { return nil }
	if w, ok := rw.(interface{ CloseWrite() error }); ok {
		half = w.CloseWrite
	}
	_ = rw.SetDeadline(deadline(time.Now(), d))
	_ = half()
	if sock != rw { // TLS: close_notify went out above, now the FIN
		if w, ok := sock.(interface{ CloseWrite() error }); ok {
			_ = w.CloseWrite()
		}
	}
	buf := getBuf()
	defer putBuf(buf)
	for { // the deadline bounds it, not an amount: a client in the middle of a large upload must see its 413 too
		if _, err := sock.Read((*buf)[:cap(*buf)]); err != nil {
			return
		}
	}
}

// idle says that the connection waits for a request; false when it must end instead.
func (c *conn) idle() bool {
	if !c.state.CompareAndSwap(stateBusy, stateIdle) {
		return false
	}
	return !c.l.draining.Load() || c.isNew() || !c.state.CompareAndSwap(stateIdle, stateClosed)
}

// busy says that a request has begun; false when the connection was closed meanwhile.
func (c *conn) busy() bool {
	if !c.used.Load() {
		c.used.Store(true)
	}
	return c.state.CompareAndSwap(stateIdle, stateBusy)
}

// drain closes the connection if it is idle and no newcomer. It is called again and again.
func (c *conn) drain() {
	if !c.isNew() && c.state.CompareAndSwap(stateIdle, stateClosed) {
		_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second))
		if c.tc != nil {
			_ = c.tc.CloseWrite()
		}
		_ = c.nc.Close()
	}
}

// kill closes the connection whatever it does.
func (c *conn) kill() {
	c.state.Store(stateClosed)
	_ = c.nc.Close()
}

// asReason returns the *reason.Error in err, or one with code.
func asReason(err error, code reason.Code) *reason.Error {
	var r *reason.Error
	if errors.As(err, &r) {
		return r
	}
	return reason.New(code, "", err)
}

// gone is the cause of a context whose client has left.
func gone(detail string, err error) *reason.Error { return reason.New(reason.ClientGone, detail, err) }
