package listener

import (
	"bytes"
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
	ctx    context.Context
	cancel context.CancelCauseFunc

	in     *httpwire.Reader
	wait   *waiter // nil over TLS
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
	h.ctx, h.cancel = context.WithCancelCause(c.l.base)
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

// await waits for the first byte of a request; false when the connection is to end.
func (h *h1) await(s *Settings) (time.Time, bool) {
	if !h.c.idle() {
		return time.Time{}, false
	}
	h.phase = phaseIdle
	h.line = -min(h.in.Buffered(), 1)
	if len(h.pending) == 0 && h.in.Buffered() == 0 {
		h.in.Release()
		h.setRead(time.Now(), s.Idle)
		if err := h.fill(); err != nil {
			return time.Time{}, false
		}
	}
	h.phase = phaseHead
	return time.Now(), h.c.busy()
}

// fill reads the first bytes of a request into pending.
func (h *h1) fill() error {
	if h.wait == nil { // TLS: one byte of ours waits; the record's rest stays inside crypto/tls until it is asked for
		n, err := h.rw.Read(h.first[:])
		h.pending = h.first[:n]
		if n > 0 {
			return nil
		}
		return err
	}
	buf, n, err := h.wait.read()
	if err != nil {
		return err
	}
	h.held, h.pending = buf, (*buf)[:n]
	return nil
}

// Read is the input of the parser: first what was read already, then the socket under the deadline of the phase.
func (h *h1) Read(p []byte) (int, error) {
	if n := len(h.pending); n > 0 {
		if h.wait == nil && n == 1 && len(p) > 1 {
			p[0] = h.pending[0]
			h.pending = nil
			n, _ := h.rw.Read(p[1:]) // an error will be there again
			h.see(p[:n+1])
			return n + 1, nil
		}
		n = copy(p, h.pending)
		if h.pending = h.pending[n:]; len(h.pending) == 0 {
			h.free()
		}
		h.see(p[:n])
		return n, nil
	}
	s := h.c.l.settings.Load()
	switch h.phase {
	case phaseHead: // the first bytes were no whole head: from here on its time runs
		h.phase = phaseHeadTimed
		h.readUntil = time.Time{}
		h.setRead(time.Now(), s.Header)
	case phaseBody:
		h.setRead(time.Now(), s.BodyIdle)
	}
	n, err := h.rw.Read(p)
	h.see(p[:n])
	return n, err
}

// see notes whether the request line has ended.
func (h *h1) see(p []byte) {
	if h.line < 0 {
		return
	}
	if i := bytes.IndexByte(p, '\n'); i >= 0 && h.line+i < h.c.l.settings.Load().LineBytes+2 {
		h.line = -1
		return
	}
	h.line += len(p)
}

// free gives the pooled buffer under pending back.
func (h *h1) free() {
	h.pending = nil
	if h.held != nil {
		putBuf(h.held)
		h.held = nil
	}
}

// setRead sets the read deadline d from now. One that lies a little later already is left: setting it costs more than
// it is worth, so a deadline may come up to a quarter late.
func (h *h1) setRead(now time.Time, d time.Duration) {
	if d < 0 {
		h.readUntil = time.Time{}
		_ = h.rw.SetReadDeadline(time.Time{})
		return
	}
	if left := h.readUntil.Sub(now); left >= d && left <= d+d/4 {
		return
	}
	h.readUntil = now.Add(d + d/4)
	_ = h.rw.SetReadDeadline(h.readUntil)
}

// setWrite sets the write deadline likewise.
func (h *h1) setWrite(now time.Time, d time.Duration) {
	if d < 0 {
		return
	}
	if left := h.writeUntil.Sub(now); left >= d && left <= d+d/4 {
		return
	}
	h.writeUntil = now.Add(d + d/4)
	_ = h.rw.SetWriteDeadline(h.writeUntil)
}

// readHead reads a request head, and checks what the listener itself bounds.
func (h *h1) readHead(s *Settings, r *h1Exchange) error {
	lim := httpwire.Limits{Line: s.LineBytes, Head: s.HeaderBytes, Fields: s.HeaderFields}
	if h.scheme == "http" && len(h.pending) > 0 && h.pending[0] == 0x16 {
		return reason.New(reason.TLSWrongPort, "TLS spoken to a plain port", nil)
	}
	r.x.Request.Scheme = h.scheme
	r.x.Request.Header = r.fields[:0]
	if err := h.in.ReadRequest(lim, &r.x.Request); err != nil {
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
