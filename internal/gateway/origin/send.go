package origin

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	pieceSize    = 32 << 10        // bytes of body that are on their way at once
	expectOver   = 48 << 10        // bodies above this are announced to an origin that may renegotiate
	continueWait = 1 * time.Second // how long we hold a body back for a 100
)

// mayRenegotiate reports whether the origin may send a HelloRequest on c that we would answer.
func (c *conn) mayRenegotiate() bool { return c.old() && c.o.cfg.TLS.Renegotiation != "never" }

// heavy reports whether the body of req could meet a HelloRequest in flight: IIS buffers 48 KiB, mod_ssl 128 KiB, and
// past that the one deadlocks and the other answers 413.
func heavy(req *exchange.Request) bool {
	return req.Length == exchange.Chunked || req.Length > expectOver
}

// send writes the request. What does not fit into the first write follows from a goroutine, while the answer is read:
// an origin may answer, or renegotiate, before it has read everything.
func (k *call) send(ctx context.Context) *reason.Error {
	c, req := k.c, k.req
	bp := c.o.bufs.Get().(*[]byte)
	defer c.o.bufs.Put(bp)
	announce := !c.reused && heavy(req) && c.mayRenegotiate()
	buf, err := httpwire.AppendRequestWith((*bp)[:0], req, httpwire.RequestOptions{
		Expect: announce, Trailers: req.Header.HasToken("TE", "trailers"),
	})
	if err != nil {
		return reason.Of(err)
	}
	*bp = buf[:0]
	complete := req.Length == 0
	var sent int64
	if !complete && !announce {
		buf, sent, complete, err = k.firstPiece(buf)
		*bp = buf[:0]
		if err != nil {
			return k.uploadFault(ctx, err)
		}
	}
	now := c.o.now()
	if r := k.write(ctx, buf, now); r != nil {
		return r
	}
	if complete {
		k.written()
		return nil
	}
	k.up = &upload{k: k, ctx: ctx, sent: sent, done: make(chan struct{}), quit: make(chan struct{})}
	if announce {
		k.up.goAhead = make(chan struct{})
	}
	c.readBy(k.limit) // first_byte starts when the body is out
	go k.up.run()
	return nil
}

// firstPiece appends the first piece of the body, framed, to buf.
func (k *call) firstPiece(buf []byte) (out []byte, sent int64, complete bool, err error) {
	req := k.req
	if req.Length > 0 && cap(buf)-len(buf) >= 1024 { // read straight behind the head
		n, err := req.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil && err != io.EOF {
			return buf, 0, false, err
		}
		return buf, int64(n), int64(n) == req.Length, nil
	}
	bp := k.c.o.bufs.Get().(*[]byte)
	defer k.c.o.bufs.Put(bp)
	p := (*bp)[:pieceSize]
	n, err := req.Body.Read(p)
	if err != nil && err != io.EOF {
		return buf, 0, false, err
	}
	buf, complete, err = frame(buf, p[:n], req, int64(n), err == io.EOF)
	return buf, int64(n), complete, err
}

// frame appends a piece of body as it goes on the wire; sent counts it in.
func frame(buf, p []byte, req *exchange.Request, sent int64, eof bool) (out []byte, complete bool, err error) {
	if req.Length >= 0 {
		return append(buf, p...), sent == req.Length, nil
	}
	if len(p) > 0 {
		buf = httpwire.AppendChunk(buf, p)
	}
	if eof {
		buf, err = httpwire.AppendLastChunk(buf, req.Body.Trailer())
	}
	return buf, eof, err
}

// write sends b before the write timeout.
func (k *call) write(ctx context.Context, b []byte, now time.Time) *reason.Error {
	c := k.c
	c.writeBy(k.deadline(now, c.o.cfg.Timeouts.Write))
	if _, err := c.nc.Write(b); err != nil {
		if r := ended(ctx); r != nil {
			return r
		}
		r := c.ioError(reason.PhaseWrite, err)
		if r.Code == reason.WriteTimeout && k.overTotal() {
			return reason.New(reason.ReadOverTotalTime, "total "+c.o.cfg.Timeouts.Total.String(), err)
		}
		if c.reused && (r.Code == reason.WriteReset || r.Code == reason.WriteEOF) && c.tap.received.Load() == k.recv0 {
			r.Code = reason.ReadStaleReusedConnection
		}
		return r
	}
	return nil
}

// written notes that the whole request is out; from now the first byte is due.
func (k *call) written() {
	c := k.c
	now := c.o.now()
	k.attempt().Write = now.Sub(k.start)
	c.readBy(k.deadline(now, c.o.cfg.Timeouts.FirstByte))
}

func (k *call) uploadFault(ctx context.Context, err error) *reason.Error {
	if r := ended(ctx); r != nil {
		return r
	}
	return reason.FromNet(err, reason.PhaseClientRead)
}

// upload sends the rest of a request body while the answer is read. It ends by itself, or by halt.
type upload struct {
	k       *call
	ctx     context.Context // of the exchange; the upload never outlives it
	sent    int64
	goAhead chan struct{} // closed by a 100; nil when nothing is waited for
	quit    chan struct{} // closed by halt
	done    chan struct{}
	halted  atomic.Bool
	went    atomic.Bool // goAhead is closed

	// Valid once done is closed.
	complete bool
	err      *reason.Error
	client   bool // err is the client's
	waited   string
	out      time.Duration
}

func (u *upload) run() {
	defer close(u.done)
	if !u.wait() {
		return
	}
	c, req := u.k.c, u.k.req
	in, out := c.o.bufs.Get().(*[]byte), c.o.bufs.Get().(*[]byte)
	defer c.o.bufs.Put(in)
	defer c.o.bufs.Put(out)
	for !u.complete && !u.halted.Load() {
		p := (*in)[:pieceSize]
		n, err := req.Body.Read(p)
		if err != nil && err != io.EOF {
			u.fail(u.k.uploadFault(u.ctx, err), true)
			return
		}
		u.sent += int64(n)
		var buf []byte
		buf, u.complete, err = frame((*out)[:0], p[:n], req, u.sent, err == io.EOF)
		*out = buf[:0]
		if err != nil {
			u.fail(reason.Of(err), true)
			return
		}
		if r := u.k.write(u.ctx, buf, c.o.now()); r != nil {
			u.fail(r, false)
			return
		}
	}
	if u.complete {
		now := c.o.now()
		u.out = now.Sub(u.k.start)
		c.readBy(u.k.deadline(now, c.o.cfg.Timeouts.FirstByte))
	}
}

// wait holds the body back for a 100, at most continueWait (RFC 9110 section 10.1.1 lets us go on without one).
func (u *upload) wait() bool {
	if u.goAhead == nil {
		return true
	}
	t := time.NewTimer(continueWait)
	defer t.Stop()
	select {
	case <-u.goAhead:
		u.waited = "answered"
	case <-t.C:
		u.waited = "gave_up"
	case <-u.quit:
		return false
	}
	u.k.c.tap.note(fact.Fact{Kind: fact.ContinueWaited, Side: fact.SideClient, Text: u.waited})
	return !u.halted.Load()
}

// fail ends the upload. A client that fails leaves a request that can never be completed; an origin that does may have
// answered already, so that reading goes on for a moment.
func (u *upload) fail(r *reason.Error, client bool) {
	u.err, u.client = r, client
	switch {
	case u.halted.Load():
	case client:
		u.k.c.abort()
	default:
		u.k.c.readBy(u.k.c.o.now().Add(continueWait))
	}
}

func (u *upload) continued() {
	if u.goAhead != nil && !u.went.Swap(true) {
		close(u.goAhead)
	}
}

// halt stops the upload without waiting for it.
func (u *upload) halt() {
	if !u.halted.Swap(true) {
		close(u.quit)
		u.k.c.stopWriting()
	}
}

func (u *upload) finished() bool {
	select {
	case <-u.done:
		return true
	default:
		return false
	}
}

// fault returns why the upload failed, nil while it runs or when it did not.
func (u *upload) fault() *reason.Error {
	if !u.finished() {
		return nil
	}
	return u.err
}

// settle waits for the end of the upload, forcing it where it still runs, and reports whether all was sent.
func (u *upload) settle(body exchange.Body) bool {
	if !u.finished() {
		u.halt()
		_ = body.Close() // wakes a Read that waits for the client
		<-u.done
	}
	a := u.k.attempt()
	if u.complete && u.err == nil && a.Write == exchange.NotReached {
		a.Write = u.out
	}
	return u.complete && u.err == nil
}
