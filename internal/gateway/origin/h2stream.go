package origin

import (
	"context"
	"io"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Stream is one exchange over HTTP/2. The goroutine of the exchange drives it and alone writes the attempt's record;
// readLoop fills in what comes, under h.mu; a request body is sent by a goroutine of its own.
type h2Stream struct {
	h     *h2Conn
	ctx   context.Context
	x     *exchange.Exchange
	req   *exchange.Request
	at    int
	start time.Time
	limit time.Time // of the whole exchange; zero: none
	kept  bool      // the connection had served before
	resp  exchange.Response
	timer *time.Timer
	wake  chan struct{} // something came, or the upload ended
	up    *h2Upload     // nil without a request body
	over  bool          // end was called

	id       uint32 // 0 until the head of the request is on its way
	answered bool   // the final head was handed over
	headAt   time.Time
	fed      int64 // body bytes handed over

	// Under h.mu.
	sent, received int64 // bytes of frames
	window         int64 // for what we send
	heads          []h2Head
	final          bool // the last of heads, or one before, is final
	early          int  // responses 1xx so far
	body           []byte
	credit         int64 // bytes of the stream's window that the origin has left
	stated         int64 // Content-Length, -1 without
	came           int64 // body bytes
	trailer        exchange.Header
	ended          bool // END_STREAM came
	closed         bool // the request was ended, by END_STREAM or a reset
	err            *reason.Error
	clean          bool // the origin has proven that it did nothing with the request
	turn           time.Time
}

// h2Head is a response head that came.
type h2Head struct {
	status int
	header exchange.Header
}

// roundTrip sends req as a stream and waits for the head of the answer. The stream is its body, and is returned in any case.
func (h *h2Conn) roundTrip(ctx context.Context, x *exchange.Exchange, req *exchange.Request, at int) (*h2Stream, *reason.Error) {
	now := h.c.o.now()
	s := &h2Stream{
		h: h, ctx: ctx, x: x, req: req, at: at, start: now, turn: now, kept: x.Attempts[at].Reused,
		wake: make(chan struct{}, 1), credit: h2StreamWindow, stated: -1,
	}
	if t := h.c.o.cfg.Timeouts.Total; t > 0 {
		s.limit = x.Start.Add(t)
	}
	r := s.open()
	if r == nil {
		r = s.head()
	}
	if r != nil {
		s.end()
	}
	return s, r
}

func (s *h2Stream) attempt() *exchange.Attempt { return &s.x.Attempts[s.at] }

// begun reports whether some of the request body may have been read.
func (s *h2Stream) begun() bool { return s.up != nil && s.up.begun.Load() }

// untouched reports whether the origin cannot have acted on the request, by its own word or because it never got it.
func (s *h2Stream) untouched() bool {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return s.id == 0 || s.clean
}

// wakeUp makes the goroutine of the exchange look again.
func (s *h2Stream) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// moreWindow makes the upload look again.
func (s *h2Stream) moreWindow() {
	if s.up != nil {
		select {
		case s.up.more <- struct{}{}:
		default:
		}
	}
}

func (s *h2Stream) failed(r *reason.Error, clean bool) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.failedLocked(r, clean)
}

// failedLocked ends the stream for a fault; what came before it can still be read.
func (s *h2Stream) failedLocked(r *reason.Error, clean bool) {
	if s.err == nil && !s.ended {
		s.err, s.clean = r, clean
	}
	s.closed = true
	s.wakeUp()
	s.moreWindow()
}

// await waits until ready holds; ready is called under h.mu. Nothing is due while the request is on its way.
func (s *h2Stream) await(ready func() bool) *reason.Error {
	h := s.h
	for {
		h.mu.Lock()
		ok, r, dead, turn := ready(), s.err, h.dead, s.turn
		h.mu.Unlock()
		switch {
		case ok:
			return nil
		case s.ctx.Err() != nil:
			return ended(s.ctx)
		case s.up != nil && s.up.failed() != nil:
			return s.up.failed()
		case r != nil:
			return r
		case dead != nil:
			return s.deadReason(dead)
		}
		if r := s.sleep(turn); r != nil {
			return r
		}
	}
}

// sleep waits for the next event, until the phase that runs has lasted too long.
func (s *h2Stream) sleep(turn time.Time) *reason.Error {
	o := s.h.c.o
	d, code := o.cfg.Timeouts.FirstByte, reason.ReadFirstByteTimeout
	if s.answered {
		d, code = o.cfg.Timeouts.ReadIdle, reason.ReadBodyStall
	}
	var due time.Time
	if d > 0 && (s.up == nil || s.up.finished()) {
		due = turn.Add(d)
	}
	if !s.limit.IsZero() && (due.IsZero() || s.limit.Before(due)) {
		due, code = s.limit, reason.ReadOverTotalTime
	}
	var ring <-chan time.Time
	if !due.IsZero() {
		left := due.Sub(o.now())
		if left <= 0 {
			return reason.New(code, "http/2 stream", nil)
		}
		if s.timer == nil {
			s.timer = time.NewTimer(left)
		} else {
			s.timer.Reset(left)
		}
		ring = s.timer.C
	}
	select {
	case <-s.wake:
	case <-ring:
	case <-s.ctx.Done():
	}
	return nil
}

// deadReason says what the end of the connection means for this stream.
func (s *h2Stream) deadReason(dead error) *reason.Error {
	h := s.h
	h.mu.Lock()
	away := h.goAway
	h.mu.Unlock()
	if r := reason.Of(dead); r != nil {
		return r
	}
	if away != nil {
		return reason.New(reason.HTTP2GoAway, h2Code(away.ErrCode), dead)
	}
	ph := reason.PhaseFirstByte
	if s.answered {
		ph = reason.PhaseBody
	}
	r := h.c.ioError(ph, dead)
	if s.kept && (r.Code == reason.ReadEOFBeforeHeader || r.Code == reason.ReadResetBeforeHeader) {
		r.Code = reason.ReadStaleReusedConnection
	}
	if r.Code == reason.ReadTruncated && r.Detail == "" {
		r.Detail = "http/2 stream after " + itoa(int(s.fed)) + " bytes"
	}
	return r
}

// Read implements exchange.Body.
func (s *h2Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if s.over {
		return 0, io.EOF
	}
	r := s.await(func() bool { return len(s.body) > 0 || s.ended })
	a, h := s.attempt(), s.h
	if r != nil {
		a.Body = h.c.o.now().Sub(s.headAt)
		a.Reason, a.Detail, a.Err = r.Code, r.Detail, r
		return 0, r
	}
	h.mu.Lock()
	n := copy(p, s.body)
	s.body = s.body[n:]
	last := len(s.body) == 0 && s.ended
	if len(s.body) == 0 {
		s.body = nil
	}
	grant := int64(0)
	if have := s.credit + int64(len(s.body)); !s.ended && have < h2StreamWindow/2 {
		grant = h2StreamWindow - have
		s.credit += grant
	}
	h.mu.Unlock()
	s.fed += int64(n)
	if grant > 0 {
		h.reply(func() error { return h.fr.WriteWindowUpdate(s.id, uint32(grant)) })
	}
	if !last {
		return n, nil
	}
	if a.Body == exchange.NotReached {
		a.Body = h.c.o.now().Sub(s.headAt)
	}
	return n, io.EOF
}

// Ready reports whether the next Read will not wait.
func (s *h2Stream) Ready() bool {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return len(s.body) > 0 || s.ended || s.err != nil || s.h.dead != nil
}

// Trailer implements exchange.Body.
func (s *h2Stream) Trailer() exchange.Header {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return s.trailer
}

// Close implements exchange.Body.
func (s *h2Stream) Close() error {
	s.end()
	return nil
}

// halt implements halter.
func (s *h2Stream) halt() bool {
	if s.up != nil {
		s.up.settle(s.req.Body)
	}
	return s.begun()
}

// end closes the books on the stream. The connection goes on, unless this was its last.
func (s *h2Stream) end() {
	if s.over {
		return
	}
	s.over = true
	h, a := s.h, s.attempt()
	whole := s.up == nil || s.up.settle(s.req.Body)
	if s.timer != nil {
		s.timer.Stop()
	}
	h.mu.Lock()
	if s.id != 0 {
		delete(h.streams, s.id)
	} else {
		h.reserved--
	}
	h.idleSince = h.c.o.now()
	if h.c.private || h.dead != nil {
		h.closing = true
	}
	cancel := s.id != 0 && h.dead == nil && !(s.ended && s.closed) && s.err == nil
	a.BytesSent, a.BytesReceived = s.sent, s.received
	h.mu.Unlock()
	if cancel {
		h.resetStream(s.id, http2.ErrCodeCancel)
	}
	if s.answered && !whole && a.Reason == "" {
		a.Reason, a.Detail = reason.WriteEarlyResponse, itoa(a.Status)+" before the whole request was sent"
	}
	if s.up != nil && whole && a.Write == exchange.NotReached {
		a.Write = s.up.out
	}
	if h.c.tap.renegs.Load() > 0 {
		a.Renegotiations = int(h.c.tap.renegs.Load())
		h.c.ep.http1.Store(true)
	}
	h.c.settle(a)
	h.c.ep.inflight.Add(-1)
	h.endIfIdle()
	h.c.ep.room.signal()
}
