package listener

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Exchange is one HTTP/2 request.
type h2Exchange struct {
	x    exchange.Exchange
	w    h2Writer
	body h2Body
}

// serveH2 serves one stream.
func serveH2(c *conn, g *guard, w http.ResponseWriter, r *http.Request) {
	s := c.l.settings.Load()
	e := &h2Exchange{}
	e.x.Start = time.Now()
	e.x.ID = exchange.NewID(e.x.Start)
	e.x.Client = c.client
	e.x.W = &e.w
	e.w = h2Writer{w: w, s: s, x: &e.x, method: r.Method}
	e.w.goAway = s.Requests >= 0 && int(g.requests.Add(1)) >= s.Requests
	err := h2Request(&e.x.Request, r)
	if err == nil {
		err = h2Limits(&e.x.Request, s)
	}
	if err == nil && e.x.Request.Length == 0 && r.Header["Content-Length"] != nil {
		err = e.empty(r, s)
	}
	if err != nil {
		e.x.Request.Header = h2Header(r) // for rules to see: what stands there ends where the fault was found
		refuseH2(c, e, err)
		e.linger(r, s.Linger)
		return
	}
	if e.x.Request.Length != 0 {
		e.body = h2Body{e: e, r: r, s: s, left: s.Body}
		e.x.Request.Body = &e.body
	}
	if s.Body >= 0 && e.x.Request.Length > s.Body {
		refuseH2(c, e, reason.New(reason.LimitBodyTooBig, "Content-Length", nil))
		e.linger(r, s.Linger)
		return
	}
	// The stream's context ends without a cause; the handler is owed one.
	ctx, cancel := context.WithCancelCause(c.l.base)
	stop := context.AfterFunc(r.Context(), func() { cancel(gone("HTTP/2 stream or connection ended", context.Cause(r.Context()))) })
	panicked := c.serveStream(ctx, &e.x)
	left := !stop()
	cancel(context.Canceled)
	if e.w.ended && !e.x.Aborted && !panicked {
		if !left {
			e.linger(r, s.Linger)
		}
		return
	}
	if !left {
		g.forgiven.Add(1)
	}
	panic(http.ErrAbortHandler) // makes x/net/http2 reset the stream
}

// empty waits for the end of a stream that announced a content of 0 bytes and did not end with its head: what comes all the
// same makes the whole request malformed (RFC 9113 section 8.1.1), and nothing of it may have been carried on by then.
func (e *h2Exchange) empty(r *http.Request, s *Settings) *reason.Error {
	e.body = h2Body{e: e, r: r, s: s, left: -1}
	var one [1]byte
	if n, err := e.body.Read(one[:]); n > 0 || err == nil {
		return h2Fault(reason.HTTP1BadCL, "content behind content-length: 0 (RFC 9113 8.1.1)")
	} else if !errors.Is(err, io.EOF) {
		return reason.Of(err)
	}
	return nil
}

// serveStream calls the handler, and records a panic of it: the library would reset the stream in silence.
func (c *conn) serveStream(ctx context.Context, x *exchange.Exchange) (panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			panicked = true
			c.l.panicked(v, c.client, x.Start, "stream")
		}
	}()
	c.l.handler.Serve(ctx, x)
	return false
}

// refuseH2 answers a request that is not served.
func refuseH2(c *conn, e *h2Exchange, err *reason.Error) {
	e.x.Request.Body = exchange.NoBody
	e.x.Answer.Reason, e.x.Answer.Detail, e.x.Answer.InRequest = err.Code, err.Detail, err.InRequest
	status := reason.Lookup(err.Code).StatusFor(true)
	switch err.Detail {
	case connectRefused:
		status = http.StatusNotImplemented
	case pathTooLong:
		status = http.StatusRequestURITooLong
	}
	c.l.showRefused(&e.x, err)
	sendRefusal(&e.w, &e.x, status, err)
	c.l.cfg.Record(&e.x)
}

// h2Request turns the library's request into ours, and holds it to what HTTP/1.1 can say: what it carries on could
// otherwise become something else on the way to an HTTP/1.1 origin (RFC 9113 sections 8.2.1, 8.3 and 10.3).
func h2Request(q *exchange.Request, r *http.Request) *reason.Error {
	*q = exchange.Request{
		Method: r.Method, Target: r.RequestURI, Scheme: "https", Authority: r.Host, Proto: exchange.HTTP2,
		Body: exchange.NoBody, Length: r.ContentLength,
	}
	q.Path, q.Query, q.HasQuery = strings.Cut(q.Target, "?")
	q.Header = make(exchange.Header, 0, len(r.Header)+1)
	q.Header.Add("host", r.Host)
	switch {
	case !httpwire.IsToken(r.Method):
		return h2Fault(reason.HTTP1BadRequestLine, ":method is no token (RFC 9113 8.3.1)")
	case r.Method == http.MethodConnect:
		return h2Fault(reason.ClientBadRequest, connectRefused)
	case r.TLS == nil:
		return h2Fault(reason.HTTP1BadTarget, ":scheme http over TLS (RFC 9113 8.3.1)")
	case !validTarget(q.Target):
		return h2Fault(reason.HTTP1BadTarget, "byte in :path that no request-target can hold (RFC 9113 8.3.1)")
	case q.Target == "*" && r.Method != http.MethodOptions:
		return h2Fault(reason.HTTP1BadTarget, "* as :path of another method than OPTIONS (RFC 9113 8.3.1)")
	case !httpwire.ValidAuthority(r.Host):
		return h2Fault(reason.HTTP1BadHost, ":authority (RFC 9113 8.3.1)")
	}
	return h2Fields(q, r)
}

const pathTooLong = ":path over the limit of a request line (RFC 9110 15.5.15)"

// h2Limits holds the head to the limits of HTTP/1.1; the library knows only the one on its bytes.
func h2Limits(q *exchange.Request, s *Settings) *reason.Error {
	switch {
	case s.LineBytes >= 0 && len(q.Method)+len(q.Target) > s.LineBytes:
		return h2Fault(reason.HTTP1HeaderTooBig, pathTooLong)
	case s.HeaderFields >= 0 && len(q.Header) > s.HeaderFields:
		return h2Fault(reason.HTTP1HeaderTooBig, "more than "+strconv.Itoa(s.HeaderFields)+" fields (RFC 9110 5.4)")
	}
	return nil
}

func h2Fault(code reason.Code, detail string) *reason.Error {
	return &reason.Error{Code: code, Detail: detail, InRequest: true}
}

// validTarget reports whether s is visible ASCII without "#".
func validTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '#' {
			return false
		}
	}
	return s != ""
}

// h2Names returns the names of the fields as the library spells them, sorted, for it keeps no order.
func h2Names(r *http.Request) []string {
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// h2Header returns all fields of a request, whatever they say.
func h2Header(r *http.Request) exchange.Header {
	h := exchange.Header{{Name: "host", Value: r.Host}}
	for _, name := range h2Names(r) {
		for _, v := range r.Header[name] {
			h.Add(strings.ToLower(name), v)
		}
	}
	return h
}

// h2Fields takes the fields over, sorted by name. Names are lower case, as they came.
func h2Fields(q *exchange.Request, r *http.Request) *reason.Error {
	for _, name := range h2Names(r) {
		values := r.Header[name]
		lower := strings.ToLower(name)
		if !httpwire.IsToken(lower) {
			return h2Fault(reason.HTTP1BadHeader, "field name (RFC 9113 8.2.1)")
		}
		for _, v := range values {
			if !httpwire.ValidFieldValue(v) || v != strings.Trim(v, " \t") {
				return h2Fault(reason.HTTP1BadHeader, "field value of "+lower+" (RFC 9113 8.2.1)")
			}
			q.Header.Add(lower, v)
		}
		switch lower {
		case "content-type", "authorization", "host":
			if len(values) > 1 {
				return h2Fault(reason.HTTP1DuplicateHeader, "more than one "+lower+" (RFC 9110 5.3)")
			}
		case "expect": // 100-continue never gets here
			return h2Fault(reason.ClientBadRequest, "Expect other than 100-continue (RFC 9110 10.1.1)")
		case "content-length":
			if len(values) > 1 || !sameLength(values[0], r.ContentLength) {
				return h2Fault(reason.HTTP1BadCL, "content-length differs from the content (RFC 9113 8.1.1)")
			}
		}
	}
	return nil
}

// sameLength reports whether v is n, written with digits alone.
func sameLength(v string, n int64) bool {
	got := int64(0)
	if v == "" || len(v) > 18 || len(v) > 1 && v[0] == '0' {
		return false
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
		got = got*10 + int64(v[i]-'0')
	}
	return got == n
}
