package listener

import (
	"context"
	"net"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h1 is the HTTP/1.1 side of a connection. It belongs to the connection's goroutine, but for what watch guards.
type h1 struct {
	// constant
	c      *conn
	rw     net.Conn // the socket, or TLS over it
	scheme string
	ctx    *connContext
	cancel context.CancelCauseFunc

	in     *httpwire.Reader
	wait   *waiter // nil over TLS
	feed   *feeder // under TLS; nil without
	whole  bool    // crypto/tls has handed on all that it decrypted
	watch  watch
	served int
	line   int // bytes of the request line so far, -1 once it has ended: what is too long then is the fields

	// input that was read but not yet taken by in
	pending []byte
	held    *[]byte // pooled buffer under pending, nil when it is not pooled
	first   [1]byte

	// deadlines
	phase      phase
	readUntil  time.Time // the read deadline that is set; zero: unknown
	writeUntil time.Time
}

// phase is what the next read from the socket is for.
type phase uint8

const (
	phaseIdle      phase = iota // nothing of a request has come
	phaseHead                   // inside a head
	phaseHeadTimed              // inside a head, its deadline is set
	phaseBody
	phaseStream // after an Upgrade
)

func newH1(c *conn, rw net.Conn, prefix []byte) *h1 {
	h := &h1{c: c, rw: rw, scheme: "http", pending: prefix}
	if c.tc != nil {
		h.scheme = "https"
	} else {
		h.wait = newWaiter(rw)
	}
	h.in = httpwire.NewReader(h)
	h.ctx, h.cancel = newConnContext(c.l.base)
	h.watch.init(h)
	return h
}

// serve runs the connection to its end.
func (h *h1) serve() {
	defer h.cancel(context.Canceled)
	defer h.free()
	for {
		s := h.c.l.settings.Load()
		start, ok := h.await(s)
		if !ok {
			h.bye()
			return
		}
		r := newH1Exchange(h, s, start)
		if err := h.readHead(s, r); err != nil {
			h.refuse(s, r, err)
			return
		}
		h.served++
		if !h.exchange(s, r) {
			return
		}
	}
}

// readHead reads a request head, and checks what the listener itself bounds.
func (h *h1) readHead(s *Settings, r *h1Exchange) error {
	lim := httpwire.Limits{Line: s.LineBytes, Head: s.HeaderBytes, Fields: s.HeaderFields}
	if h.scheme == "http" && len(h.pending) > 0 && h.pending[0] == 0x16 {
		return &reason.Error{Code: reason.ClientTLSOnPlain, InRequest: true}
	}
	r.x.Request.Scheme = h.scheme
	r.x.Request.Header = r.fields[:0]
	if err := h.in.ReadRequest(lim, &r.x.Request); err != nil {
		h.salvage(lim, r, err)
		return err
	}
	h.phase = phaseBody
	q := &r.x.Request
	q.Scheme = h.scheme
	q.Body = exchange.NoBody
	if q.Method == "CONNECT" {
		return reason.New(reason.ClientBadRequest, connectRefused, nil)
	}
	if q.Length != 0 {
		r.body = h1Body{h: h, x: &r.x, in: h.in.Body(q.Length, lim), left: s.Body, expect: q.Expect, open: true}
		q.Body = &r.body
	}
	if s.Body >= 0 && q.Length > s.Body {
		return reason.New(reason.LimitBodyTooBig, "Content-Length", nil)
	}
	return nil
}

// salvageWait is how long the rest of a refused head is waited for, so that rules see the fields behind the fault too. Most heads come in one piece.
const salvageWait = 250 * time.Millisecond

// salvage reads what it can of a head that was refused with err, for the rules and the record.
func (h *h1) salvage(lim httpwire.Limits, r *h1Exchange, err error) {
	q := &r.x.Request
	*q = exchange.Request{Scheme: h.scheme, Header: r.fields[:0], Body: exchange.NoBody}
	if e := reason.Of(err); e == nil || e.Code == reason.ClientGone || h.c.l.cfg.Refused == nil {
		return
	}
	h.phase = phaseHeadTimed
	h.readUntil = time.Time{}
	_ = h.rw.SetReadDeadline(time.Now().Add(salvageWait))
	h.in.Salvage(lim, q)
}

// exchange lets the handler serve one request; false when the connection must end, which it then has.
func (h *h1) exchange(s *Settings, r *h1Exchange) bool {
	q := &r.x.Request
	r.w.close = q.Close || s.Requests >= 0 && h.served >= s.Requests
	r.x.W = &r.w
	h.watch.begin()
	if q.Length == 0 {
		h.watch.start(s.Watch)
	}
	h.c.l.handler.Serve(h.ctx, &r.x)
	h.watch.stop()
	return h.finish(s, r)
}

// finish ends an exchange after its handler; false when the connection has ended with it.
func (h *h1) finish(s *Settings, r *h1Exchange) bool {
	w := &r.w
	switch {
	case w.upgraded:
		h.bye()
		return false
	case w.err != nil || h.ctx.Err() != nil:
		return false
	case !w.headSent || !w.ended || r.x.Aborted:
		h.abort(w)
		return false
	}
	if r.body.open && !w.close {
		w.close = !r.body.drain(s.Drain)
	}
	w.freeOut()
	if w.close || r.body.open {
		lingerClose(h.c.nc, h.rw, s.Linger)
		return false
	}
	return true
}

// abort ends a connection whose answer cannot be ended: the client must be able to tell it from a whole one. A chunked
// or counted body that stops short says so by itself, one until close only by a reset.
func (h *h1) abort(w *h1Writer) {
	w.freeOut()
	if t, ok := h.c.nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = h.c.nc.Close()
}

// bye closes in good order.
func (h *h1) bye() {
	if len(h.pending) > 0 || h.in.Buffered() > 0 { // requests that are not served any more must not destroy the last answer
		lingerClose(h.c.nc, h.rw, h.c.l.settings.Load().Linger)
		return
	}
	_ = h.rw.SetWriteDeadline(time.Now().Add(time.Second))
	_ = h.rw.Close()
}
