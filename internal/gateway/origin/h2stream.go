package origin

import (
	"context"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
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
	heard time.Time     // turn, when we began to wait for the origin; zero while we do not

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
	cut            bool // by End: the origin does not know yet
	clean          bool // the origin has proven that it did nothing with the request
	turn           time.Time
	noted          []fact.Fact // frames that are out of the ordinary
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

// note keeps a fact for the record.
func (s *h2Stream) note(f fact.Fact) {
	f.At = s.h.c.o.now()
	s.h.mu.Lock()
	s.noted = append(s.noted, f)
	s.h.mu.Unlock()
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
	cancel := s.id != 0 && h.dead == nil && !(s.ended && s.closed) && (s.err == nil || s.cut)
	a.BytesSent, a.BytesReceived, a.Stream = s.sent, s.received, s.id
	noted := s.noted
	if h.goAway != nil {
		noted = append(noted, h.awayNote)
	}
	h.mu.Unlock()
	for _, f := range noted {
		f.Conn = h.c.id
		a.Facts = append(a.Facts, f)
	}
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
	h.c.turn(s.x, exchange.TurnOver)
	h.c.ep.inflight.Add(-1)
	h.endIfIdle()
	h.c.ep.room.signal()
}
