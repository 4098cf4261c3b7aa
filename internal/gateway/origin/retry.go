package origin

import (
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// again decides whether the request may be sent once more after r, and how.
func (t *try) again(r *reason.Error) bool {
	switch {
	case t.ep == nil, r.InRequest, r.Code == reason.ClientGone, r.Code == reason.ClientSlow, r.Code == reason.ReadOverTotalTime:
		return false
	case t.conn == nil: // nothing of it has left
		return t.more || t.elsewhere()
	}
	h2 := t.conn.h2 != nil
	switch r.Code {
	case reason.HTTP2RST, reason.HTTP2GoAway, reason.HTTP2RefusedStream:
		// HTTP_1_1_REQUIRED has set http1 (RFC 9113 section 7); what was refused was not acted upon (section 8.7).
		t.fresh = true
		t.http1 = t.http1 || t.ep.http1.Load()
		return (t.untouched || r.Code == reason.HTTP2GoAway && idempotent(t.req.Method)) && t.replay()
	case reason.TLSRenegotiationRefused: // over HTTP/2, where HTTP/1.1 may do
		if !h2 {
			return false
		}
		t.ep.http1.Store(true)
		t.http1, t.fresh = true, true
		return idempotent(t.req.Method) && t.replay()
	case reason.ReadStaleReusedConnection: // RFC 9112 section 9.3.1
		t.fresh = true
		return (t.untouched || idempotent(t.req.Method)) && t.replay()
	case reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader, reason.WriteReset, reason.WriteEOF:
		return idempotent(t.req.Method) && t.elsewhere() && t.replay()
	}
	return false
}

// elsewhere puts the endpoint aside for this exchange and reports whether another is left.
func (t *try) elsewhere() bool {
	t.failed = append(t.failed, t.ep)
	return len(t.failed) < len(t.o.endpoints)
}

// replay reports whether the body can be sent from its start.
func (t *try) replay() bool {
	if t.req.Length == 0 || !t.bodyBegun {
		return true
	}
	if rw, ok := t.req.Body.(Rewinder); ok {
		return rw.Rewind()
	}
	return false
}

// halter is the body of a response whose request body may still be on its way.
type halter interface {
	// halt ends the sending of the request body, and returns when nobody reads that any more.
	halt() (begun bool)
}

// refused reports whether an answer is a refusal of the way that the request came, and another way may do better.
func (t *try) refused(resp *exchange.Response) bool {
	switch {
	case resp.Status == 421:
		return t.misdirected(resp)
	case resp.Status == 417 && t.conn.h2 == nil && t.conn.call.announced: // RFC 9110 section 15.5.18
		if !t.calm(resp) {
			return false
		}
		a := &t.x.Attempts[len(t.x.Attempts)-1]
		a.Reason, a.Detail = reason.WriteExpectRefused, "417 expectation failed"
		t.quiet = true
		return true
	}
	return false
}

// calm ends the sending of the request body and reports whether it can be sent again.
func (t *try) calm(resp *exchange.Response) bool {
	if h, ok := resp.Body.(halter); ok {
		t.bodyBegun = h.halt()
	}
	return t.replay()
}

// misdirected reports whether a 421 can be answered by another connection (RFC 9110 section 15.5.20). The SNI stays: it is
// the Host, or what the settings say. What may differ is what the connection, or a resumed session, had been made for.
func (t *try) misdirected(resp *exchange.Response) bool {
	a := &t.x.Attempts[len(t.x.Attempts)-1]
	if t.misled || !(a.Reused || a.Resumed) || !t.calm(resp) {
		return false
	}
	a.Reason, a.Detail = reason.OriginStatus4xx, "421 misdirected request"
	t.misled, t.fresh = true, true
	return true
}

// idempotent reports whether sending twice means the same as once (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
