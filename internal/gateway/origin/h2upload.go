package origin

import (
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Upload sends a request body as DATA frames, as far as the origin's windows allow. It never outlives its stream.
type h2Upload struct {
	s       *h2Stream
	more    chan struct{} // the windows may have grown, or the stream has failed
	quit    chan struct{}
	done    chan struct{}
	halted  atomic.Bool
	reading atomic.Bool
	begun   atomic.Bool

	// Valid once done is closed.
	complete bool
	err      *reason.Error
	out      time.Duration
}

func newH2Upload(s *h2Stream) *h2Upload {
	return &h2Upload{s: s, more: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
}

func (u *h2Upload) run() {
	s := u.s
	o := s.h.c.o
	bp := o.bufs.Get().(*[]byte)
	defer o.bufs.Put(bp)
	defer s.wakeUp()
	defer close(u.done)
	u.err = u.copy((*bp)[:h2FrameSize])
	now := o.now()
	u.out = now.Sub(s.start)
	s.h.mu.Lock()
	s.turn = now
	s.h.mu.Unlock()
}

func (u *h2Upload) copy(p []byte) *reason.Error {
	s, sent := u.s, int64(0)
	for {
		n, err := u.read(p)
		if err != nil && err != io.EOF {
			if u.halted.Load() {
				return nil
			}
			return uploadFault(s.ctx, err)
		}
		sent += int64(n)
		if s.req.Length >= 0 {
			if err := lengthHeld(s.req.Length, sent, err == io.EOF); err != nil {
				return reason.Of(err)
			}
		}
		ok, r := u.send(p[:n], err == io.EOF)
		if !ok || r != nil {
			return r
		}
		if err == io.EOF {
			u.complete = true
			return nil
		}
	}
}

// read is a Read of the body that settle can call off.
func (u *h2Upload) read(p []byte) (int, error) {
	u.reading.Store(true)
	defer u.reading.Store(false)
	if u.halted.Load() {
		return 0, errHalted
	}
	u.begun.Store(true)
	return u.s.req.Body.Read(p)
}

// send sends p, and the end of the body after it. It reports false where the stream takes no more.
func (u *h2Upload) send(p []byte, last bool) (bool, *reason.Error) {
	s, h := u.s, u.s.h
	var trailer exchange.Header
	if last {
		trailer = s.req.Body.Trailer()
		for _, f := range trailer {
			if !httpwire.IsToken(f.Name) || !httpwire.ValidFieldValue(f.Value) || httpwire.ForbiddenTrailer(f.Name) {
				return false, reason.New(reason.HTTP1BadTrailer, "send trailer field", nil)
			}
		}
	}
	defer h.c.turn(s.x, exchange.TurnOurs)
	for len(p) > 0 || last {
		h.c.turn(s.x, exchange.TurnTaking) // each frame that was taken ends a silence
		n, ok, r := u.room(len(p))
		if !ok || r != nil {
			return false, r
		}
		end := last && n == len(p)
		err := h.write(func() error {
			if n > 0 || len(trailer) == 0 {
				if err := h.fr.WriteData(s.id, end && len(trailer) == 0, p[:n]); err != nil {
					return err
				}
			}
			if end && len(trailer) > 0 {
				return u.trailer(trailer)
			}
			return nil
		})
		if err != nil {
			return false, s.writeFault(err)
		}
		h.mu.Lock()
		s.sent += int64(n + frameHeader)
		s.closed = s.closed || end
		h.mu.Unlock()
		if end {
			return true, nil
		}
		p = p[n:]
	}
	return true, nil
}

// trailer writes the trailer section; h.wmu is held.
func (u *h2Upload) trailer(t exchange.Header) error {
	h := u.s.h
	h.block.Reset()
	for _, f := range t {
		h.field(strings.ToLower(f.Name), f.Value)
	}
	_, err := h.writeBlock(u.s.id, h.block.Bytes(), h2FrameSize, true)
	return err
}

// room waits until the windows of stream and connection let some of want bytes go, and takes that much from them. It
// reports false where the stream has ended. An origin that grants nothing for the write timeout has stopped reading.
func (u *h2Upload) room(want int) (n int, ok bool, r *reason.Error) {
	s, h := u.s, u.s.h
	var stalled <-chan time.Time
	var since time.Time // no window; zero: there was one
	for {
		h.mu.Lock()
		switch {
		case s.closed || h.dead != nil:
			h.mu.Unlock()
			u.blocked(since)
			return 0, false, nil
		case want == 0:
			h.mu.Unlock()
			return 0, true, nil
		}
		if free := min(int64(want), s.window, h.window, int64(h.maxFrame)); free > 0 {
			s.window -= free
			h.window -= free
			h.mu.Unlock()
			return int(free), true, nil
		}
		h.mu.Unlock()
		if since.IsZero() {
			since = h.c.o.now()
		}
		if d := h.c.o.cfg.Timeouts.Write; d > 0 && stalled == nil {
			t := time.NewTimer(d)
			defer t.Stop()
			stalled = t.C
		}
		select {
		case <-u.more:
		case <-u.quit:
			u.blocked(since)
			return 0, false, nil
		case <-stalled:
			s.note(fact.Fact{Kind: fact.HTTP2FlowBlocked, Side: fact.SideClient, Size: h.c.o.cfg.Timeouts.Write.Nanoseconds(), Detail: &fact.HTTP2Frame{Stream: s.id}})
			return 0, false, reason.New(reason.WriteTimeout, "no HTTP/2 window for the request body", nil)
		}
	}
}

// blocked notes that the stream, which was ended as a dead wait, had no window since then.
func (u *h2Upload) blocked(since time.Time) {
	s, h := u.s, u.s.h
	h.mu.Lock()
	r := s.err
	h.mu.Unlock()
	if since.IsZero() || waitedDead(r) == 0 {
		return
	}
	s.note(fact.Fact{Kind: fact.HTTP2FlowBlocked, Side: fact.SideClient, Size: h.c.o.now().Sub(since).Nanoseconds(), Detail: &fact.HTTP2Frame{Stream: s.id}})
}

func (u *h2Upload) finished() bool {
	select {
	case <-u.done:
		return true
	default:
		return false
	}
}

// failed returns why the upload failed, nil while it runs or when it did not.
func (u *h2Upload) failed() *reason.Error {
	if !u.finished() {
		return nil
	}
	return u.err
}

// settle waits for the end of the upload, forcing it where it still runs, and reports whether all was sent.
func (u *h2Upload) settle(body exchange.Body) bool {
	if !u.finished() {
		if !u.halted.Swap(true) {
			close(u.quit)
		}
		if u.reading.Load() {
			_ = body.Close() // wakes a Read that waits for the client
		}
		<-u.done
	}
	return u.complete && u.err == nil
}
