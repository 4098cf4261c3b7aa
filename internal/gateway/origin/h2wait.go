package origin

import (
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// await waits until ready holds; ready is called under h.mu. Nothing is due while the request is on its way.
func (s *h2Stream) await(ready func() bool) *reason.Error {
	h := s.h
	for {
		sending := s.up != nil && !s.up.finished() // asked before turn is read, which the end of the upload sets
		h.mu.Lock()
		ok, r, dead, turn := ready(), s.err, h.dead, s.turn
		h.mu.Unlock()
		switch {
		case ok:
			s.heeds()
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
		if !sending {
			s.hears(turn)
		}
		if r := s.sleep(turn, sending); r != nil {
			return r
		}
	}
}

// sleep waits for the next event, until the phase that runs has lasted too long since turn; sending, it has no end.
func (s *h2Stream) sleep(turn time.Time, sending bool) *reason.Error {
	o := s.h.c.o
	d, code := o.cfg.Timeouts.FirstByte, reason.ReadFirstByteTimeout
	if s.answered {
		d, code = o.cfg.Timeouts.ReadIdle, reason.ReadBodyStall
	}
	var due time.Time
	if d > 0 && !sending {
		due = turn.Add(d)
	}
	if !s.limit.IsZero() && (due.IsZero() || s.limit.Before(due)) {
		due, code = s.limit, reason.ReadOverTotalTime
	}
	var ring <-chan time.Time
	if !due.IsZero() {
		left := due.Sub(o.now())
		if left <= 0 {
			if code == reason.ReadOverTotalTime {
				return reason.New(code, timeout(o.cfg.Timeouts.Total, "total"), nil)
			}
			return reason.New(code, "", nil)
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
		r.Detail = "http/2 stream, " + itoa(int(s.fed)) + " bytes of body"
	}
	return r
}
