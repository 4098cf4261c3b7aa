package origin

import (
	"io"

	"github.com/lunette-waf/lunette/internal/exchange"
)

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
		h.mu.Lock()
		sent, received := s.sent, s.received
		h.mu.Unlock()
		h.c.o.noteEnd(s.x, a, h.c.tap, r)
		a.Answered = answered(&s.resp)
		r = h.c.o.told(r, sent, received)
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
