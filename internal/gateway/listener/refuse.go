package listener

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// refuse answers a request that could not be read, or that the listener itself does not serve, and ends the connection.
func (h *h1) refuse(s *Settings, r *h1Exchange, err error) {
	e := h.headFault(err)
	a := &r.x.Answer
	a.Reason, a.Detail, a.InRequest = e.Code, e.Detail, e.InRequest
	r.x.Request.Body = exchange.NoBody
	if status := h.refusalStatus(e); status != 0 {
		h.c.l.showRefused(&r.x, e)
		r.w.close = true
		sendRefusal(&r.w, &r.x, status, e)
	}
	a.Duration = time.Since(r.x.Start)
	if e.Code != reason.ClientGone || r.x.Request.Method != "" || a.Status != 0 {
		h.c.l.cfg.Record(&r.x)
	}
	r.w.freeOut()
	lingerClose(h.c.nc, h.rw, s.Linger)
}

// showRefused lets rules look at a request that is refused for e, where it was read at least in part.
func (l *Listener) showRefused(x *exchange.Exchange, e *reason.Error) {
	if l.cfg.Refused == nil || x.Request.Method == "" {
		return
	}
	x.Refused = e
	l.cfg.Refused(x)
}

// headFault gives an error of reading a head its reason.
func (h *h1) headFault(err error) *reason.Error {
	if e := reason.Of(err); e != nil {
		return e
	}
	if isTimeout(err) {
		return reason.New(reason.ClientSlow, "request head", err)
	}
	return gone("inside the request head", err)
}

// refusalStatus is what the client is told; 0 when there is nobody to tell or HTTP is not its language.
func (h *h1) refusalStatus(e *reason.Error) int {
	switch e.Code {
	case reason.ClientGone, reason.ClientTLSOnPlain:
		return 0
	case reason.ClientSlow:
		return http.StatusRequestTimeout
	case reason.HTTP1HeaderTooBig:
		if h.line >= 0 {
			return http.StatusRequestURITooLong
		}
	case reason.ClientBadRequest:
		if e.Detail == connectRefused {
			return http.StatusNotImplemented
		}
	}
	return reason.Lookup(e.Code).StatusFor(true)
}

const connectRefused = "CONNECT is not served (RFC 9110 9.3.6)"

// sendRefusal writes the answer: status, reason, id; the detail is for the log.
func sendRefusal(w exchange.ResponseWriter, x *exchange.Exchange, status int, e *reason.Error) {
	var b strings.Builder
	b.WriteString(strconv.Itoa(status))
	b.WriteByte(' ')
	b.WriteString(http.StatusText(status))
	b.WriteString("\nreason: ")
	b.WriteString(string(e.Code))
	b.WriteString("\nid: " + x.ID + "\n")
	body := b.String()
	res := &exchange.Response{Status: status, Phrase: http.StatusText(status), Length: int64(len(body)), Header: exchange.Header{
		{Name: "Date", Value: x.Start.UTC().Format(http.TimeFormat)},
		{Name: "Content-Type", Value: "text/plain; charset=utf-8"},
		{Name: "Cache-Control", Value: "no-store"},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "Proxy-Status", Value: reason.ProxyStatus(e.Code, e.Detail, true)},
	}}
	if w.Head(res) == nil {
		_ = w.Body([]byte(body), true)
	}
}
