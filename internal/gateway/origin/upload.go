package origin

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// upload sends the rest of a request body while the answer is read. It ends by itself, or by halt, and never outlives
// the exchange: settle waits for it.
type upload struct {
	k       *call
	ctx     context.Context // of the exchange
	goAhead chan struct{}   // closed by a 100; nil when nothing is waited for
	quit    chan struct{}   // closed by halt
	done    chan struct{}
	halted  atomic.Bool
	reading atomic.Bool // from the client
	waiting atomic.Bool // for the 100
	went    bool        // goAhead is closed; of the exchange's goroutine
	over    bool        // nothing more is sent; under k.due

	// Valid once done is closed.
	sent     int64
	complete bool
	err      *reason.Error
	client   bool // err is the client's
	out      time.Duration
}

var errHalted = errors.New("read request body: no longer wanted")

func newUpload(ctx context.Context, k *call, sent int64) *upload {
	u := &upload{k: k, ctx: ctx, sent: sent, done: make(chan struct{}), quit: make(chan struct{})}
	if k.announced {
		u.goAhead = make(chan struct{})
		u.waiting.Store(true)
	}
	return u
}

func (u *upload) run() {
	defer u.leave()
	if !u.wait() {
		return
	}
	o, req := u.k.c.o, u.k.req
	in, out := o.bufs.Get().(*[]byte), o.bufs.Get().(*[]byte)
	defer o.bufs.Put(in)
	defer o.bufs.Put(out)
	for !u.complete {
		p := (*in)[:pieceSize]
		n, err := u.read(p)
		if err != nil && err != io.EOF {
			u.fail(uploadFault(u.ctx, err), true)
			return
		}
		u.sent += int64(n)
		buf, last, err := frame((*out)[:0], p[:n], req, u.sent, err == io.EOF)
		*out = buf[:0]
		if err != nil {
			u.fail(reason.Of(err), true)
			return
		}
		if r := u.k.write(u.ctx, buf, o.now()); r != nil {
			u.fail(r, false)
			return
		}
		u.k.c.turn(u.k.x, exchange.TurnOurs)
		u.complete = last
	}
	u.out = o.now().Sub(u.k.start)
}

// read is a Read of the body that settle can call off.
func (u *upload) read(p []byte) (int, error) {
	u.reading.Store(true)
	defer u.reading.Store(false)
	if u.halted.Load() {
		return 0, errHalted
	}
	return u.k.req.Body.Read(p)
}

// leave says that from now on it is the origin's turn, and by when: one that takes no more may have answered already, so
// that reading goes on for a moment. A client that failed leaves a request that can never be completed: reading ends.
func (u *upload) leave() {
	k, now := u.k, u.k.c.o.now()
	k.due.Lock()
	u.over = true
	hearOut := u.err != nil && !k.answered
	if k.hearing {
		k.c.turn(k.x, exchange.TurnOrigin)
	}
	k.due.Unlock()
	if hearOut {
		k.c.readBy(k.deadline(now, lastWords))
	} else {
		k.await(now)
	}
	client := u.client
	close(u.done) // before the reader is woken, which will ask why
	if client {
		k.c.abort()
	}
}

// wait holds the body back for a 100, at most continueWait (RFC 9110 section 10.1.1 lets us go on without one).
func (u *upload) wait() bool {
	if u.goAhead == nil {
		return true
	}
	u.k.c.turn(u.k.x, exchange.TurnOrigin)
	t := time.NewTimer(continueWait)
	defer t.Stop()
	waited := "answered"
	select {
	case <-u.goAhead:
	case <-t.C:
		waited = "gave_up"
	case <-u.quit:
		return false
	}
	u.k.c.turn(u.k.x, exchange.TurnOurs)
	u.waiting.Store(false)
	u.k.c.tap.note(fact.Fact{Kind: fact.ContinueWaited, Side: fact.SideClient, Text: waited})
	if u.halted.Load() {
		return false
	}
	u.k.begun.Store(true)
	return true
}

// held reports whether the body still waits for its 100.
func (u *upload) held() bool { return u.waiting.Load() }

// fail notes why the upload ended, unless it was called off.
func (u *upload) fail(r *reason.Error, client bool) {
	if !u.halted.Load() {
		u.err, u.client = r, client
	}
}

// continued lets a held body go.
func (u *upload) continued() {
	if u.goAhead != nil && !u.went {
		u.went = true
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
		if u.reading.Load() {
			_ = body.Close() // wakes a Read that waits for the client
		}
		<-u.done
	}
	a := u.k.attempt()
	if u.complete && a.Write == exchange.NotReached {
		a.Write = u.out
	}
	if !u.complete || u.err != nil {
		return false
	}
	u.k.c.muted.Store(false) // halted when the last byte was out already: the connection may carry more requests
	return true
}
