package listener

import (
	"errors"
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

var errUpgrade = errors.New("upgrade: not asked for, or answered already")

// Upgrade implements exchange.ResponseWriter. The stream begins with what the client sent behind its request; it also
// has SetDeadline, SetReadDeadline, SetWriteDeadline and CloseWrite. No deadline is set on it.
func (w *h1Writer) Upgrade(r *exchange.Response) (io.ReadWriteCloser, error) {
	if w.queued || w.r.x.Request.Upgrade == "" || r.Status != 101 {
		return nil, errUpgrade
	}
	w.h.watch.stop()
	buf, err := httpwire.AppendResponse(w.buf(), r, httpwire.ResponseOptions{Method: w.r.x.Request.Method})
	if err != nil {
		return nil, err
	}
	*w.out = buf
	w.queued = true
	w.r.x.Answer.Status = r.Status
	if err := w.flush(); err != nil {
		return nil, err
	}
	w.freeOut()
	w.ended, w.upgraded = true, true
	w.h.phase = phaseStream
	_ = w.h.rw.SetDeadline(time.Time{})
	return &upgradedStream{w.h}, nil
}

// upgradedStream is the client's byte stream after a 101.
type upgradedStream struct{ h *h1 }

func (u *upgradedStream) Read(p []byte) (int, error)         { return u.h.in.Read(p) }
func (u *upgradedStream) Write(p []byte) (int, error)        { return u.h.rw.Write(p) }
func (u *upgradedStream) Close() error                       { return u.h.rw.Close() }
func (u *upgradedStream) SetDeadline(t time.Time) error      { return u.h.rw.SetDeadline(t) }
func (u *upgradedStream) SetReadDeadline(t time.Time) error  { return u.h.rw.SetReadDeadline(t) }
func (u *upgradedStream) SetWriteDeadline(t time.Time) error { return u.h.rw.SetWriteDeadline(t) }

// CloseWrite ends our side and leaves the client's open.
func (u *upgradedStream) CloseWrite() error {
	if c, ok := u.h.rw.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
