package origin

import (
	"context"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// readFault says why no head came.
func (k *call) readFault(ctx context.Context, err error) *reason.Error {
	c := k.c
	if r := ended(ctx); r != nil {
		return r
	}
	ph := reason.PhaseFirstByte
	if c.rd.Buffered() > 0 {
		ph = reason.PhaseHead
	}
	r := c.ioError(ph, err)
	if r.Code == reason.ReadStaleReusedConnection && k.attempt().FirstByte != exchange.NotReached {
		r.Code = reason.ReadEOFBeforeHeader // a 1xx came: the connection was not stale, and the origin had the request
	}
	w := k.writeFault()
	switch {
	case w != nil && (symptom(r.Code) || k.up != nil && k.up.client):
		if r.Code == reason.ReadResetBeforeHeader && w.Code == reason.WriteEOF {
			w.Code, w.Detail = reason.WriteReset, r.Detail // the kernel tells of a reset but once, and reading was first
		}
		return w // what we could not send is the cause, the silence or the end its symptom
	case (r.Code == reason.ReadFirstByteTimeout || r.Code == reason.ReadHeaderStall) && k.overTotal():
		return k.tooLong(err)
	case k.up != nil && !k.up.finished():
		r = whileSending(r)
	}
	return r
}

// symptom reports whether a reading fault says no more than that the connection is gone.
func symptom(c reason.Code) bool {
	switch c {
	case reason.ReadFirstByteTimeout, reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader, reason.ReadStaleReusedConnection:
		return true
	}
	return false
}

// whileSending names an end that came before the request was out by the phase that it ended.
func whileSending(r *reason.Error) *reason.Error {
	switch r.Code {
	case reason.ReadEOFBeforeHeader:
		r.Code = reason.WriteEOF
	case reason.ReadResetBeforeHeader:
		r.Code = reason.WriteReset
	default:
		return r
	}
	r.Detail = "while the request body was being sent" + prefixed(r.Detail)
	return r
}

// writeFault returns why sending failed, nil while it goes on or when it did not.
func (k *call) writeFault() *reason.Error {
	if k.up != nil {
		return k.up.fault()
	}
	return k.lost
}

func (k *call) overTotal() bool { return !k.limit.IsZero() && !k.c.o.now().Before(k.limit) }

func (k *call) tooLong(err error) *reason.Error {
	return reason.New(reason.ReadOverTotalTime, timeout(k.c.o.cfg.Timeouts.Total, "total"), err)
}

func clientFault(ctx context.Context, err error) *reason.Error {
	if r := ended(ctx); r != nil {
		return r
	}
	return reason.FromNet(err, reason.PhaseClientWrite)
}
