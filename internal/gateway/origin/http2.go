package origin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// startHTTP2 begins HTTP/2 on a fresh connection.
func (c *conn) startHTTP2() *reason.Error {
	t := &http2.Transport{
		DisableCompression: true,
		AllowHTTP:          true,
		MaxHeaderListSize:  uint32(c.o.cfg.MaxHeader),
	}
	cc, err := t.NewClientConn(c.nc)
	if err != nil {
		return c.ioError(reason.PhaseWrite, err)
	}
	c.h2 = cc
	return nil
}

func (ep *endpoint) addHTTP2(c *conn) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.h2 = append(ep.h2, c)
	if ep.reaper == nil && !ep.closed {
		ep.reaper = time.AfterFunc(ep.o.cfg.Timeouts.KeepaliveIdle, ep.reap)
	}
}

// takeHTTP2 returns a connection with that SNI that takes another stream, or nil; dead ones are dropped.
func (ep *endpoint) takeHTTP2(sni string) *conn {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	kept := ep.h2[:0]
	var found *conn
	for _, c := range ep.h2 {
		if s := c.h2.State(); s.Closed || s.Closing || c.tap.refused != nil {
			c.retireLater()
			continue
		}
		kept = append(kept, c)
		if found == nil && c.sni == sni && c.h2.ReserveNewRequest() {
			c.reused = true
			found = c
		}
	}
	clear(ep.h2[len(kept):])
	ep.h2 = kept
	return found
}

// reapHTTP2Locked closes HTTP/2 connections without streams for longer than limit; it reports whether any are left.
func (ep *endpoint) reapHTTP2Locked(now time.Time, limit time.Duration) bool {
	kept := ep.h2[:0]
	for _, c := range ep.h2 {
		s := c.h2.State()
		idle := s.StreamsActive == 0 && s.StreamsReserved == 0 && s.StreamsPending == 0
		if s.Closed || s.Closing || (idle && now.Sub(s.LastIdle) >= limit && !s.LastIdle.IsZero()) {
			c.retireLater()
			continue
		}
		kept = append(kept, c)
	}
	clear(ep.h2[len(kept):])
	ep.h2 = kept
	return len(kept) > 0
}

// retireLater retires c without holding up its caller. The goroutine ends with the last stream, or with FirstByte.
func (c *conn) retireLater() { go c.retire() }

// retire lets running streams end, at most the time that an answer may take, and closes.
func (c *conn) retire() {
	ctx, cancel := context.WithTimeout(context.Background(), max(c.o.cfg.Timeouts.FirstByte, time.Second))
	defer cancel()
	_ = c.h2.Shutdown(ctx)
	c.close()
}

// stream is one exchange over HTTP/2.
type stream struct {
	c      *conn
	x      *exchange.Exchange
	want   *exchange.Request
	at     int
	cancel context.CancelCauseFunc
	timer  *time.Timer // of the phase that runs; cancels with its reason
	start  time.Time
	resp   exchange.Response
	body   io.ReadCloser
	raw    *http.Response
	n      int64
	done   sync.Once

	telling sync.Mutex // held while a 1xx goes to the client, from the library's goroutine
	early   int        // responses 1xx so far
	over    bool       // no more of them: the client gets something else now

	mu    sync.Mutex
	wrote time.Duration
	first time.Duration
}

// roundTripHTTP2 is roundTrip over HTTP/2.
func (c *conn) roundTripHTTP2(ctx context.Context, x *exchange.Exchange, want *exchange.Request, at int) (*exchange.Response, *reason.Error) {
	s := &stream{c: c, x: x, want: want, at: at, start: c.o.now()}
	ctx, s.cancel = context.WithCancelCause(ctx)
	req, r := s.request(ctx)
	if r == nil {
		s.expect(c.o.cfg.Timeouts.Write+c.o.cfg.Timeouts.FirstByte, reason.ReadFirstByteTimeout)
		var err error
		s.raw, err = c.h2.RoundTrip(req)
		if err != nil {
			r = s.fault(ctx, err)
		} else if r = finalStatus(s.raw); r != nil {
			_ = s.raw.Body.Close()
		}
	}
	if r != nil {
		s.end()
		return nil, r
	}
	s.head()
	return &s.resp, nil
}

// finalStatus refuses a :status that is not three digits from 200 to 599; the library takes any number, with a sign too.
func finalStatus(raw *http.Response) *reason.Error {
	if text, _, _ := strings.Cut(raw.Status, " "); len(text) == 3 && raw.StatusCode >= 200 && raw.StatusCode <= 599 {
		return nil
	}
	return reason.New(reason.HTTP2NoStatus, ":status "+itoa(raw.StatusCode)+" is outside 100 to 599 (RFC 9110 15)", nil)
}

func (s *stream) expect(d time.Duration, code reason.Code) {
	if d <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(d, func() { s.cancel(reason.New(code, "http/2 stream", nil)) })
}

// request turns the canonical request into what the library wants; the path goes as it came.
func (s *stream) request(ctx context.Context) (*http.Request, *reason.Error) {
	r, host := s.want, s.want.Authority
	u := &url.URL{Scheme: "https", Host: host}
	if !s.c.ep.url.secure {
		u.Scheme = "http"
	}
	setTarget(u, r)
	req := &http.Request{Method: r.Method, URL: u, Host: host, Header: make(http.Header, len(r.Header)), ProtoMajor: 2}
	for _, f := range r.Header {
		if httpwire.IsHopByHop(f.Name) || exchange.EqualFold(f.Name, "Host") || exchange.EqualFold(f.Name, "Expect") || exchange.EqualFold(f.Name, "Content-Length") {
			continue
		}
		if !httpwire.IsToken(f.Name) || !httpwire.ValidFieldValue(f.Value) {
			return nil, reason.New(reason.HTTP1BadHeader, "send field", nil)
		}
		k := textproto.CanonicalMIMEHeaderKey(f.Name)
		req.Header[k] = append(req.Header[k], f.Value)
	}
	if r.Header.HasToken("TE", "trailers") {
		req.Header["Te"] = []string{"trailers"} // the one value of TE that HTTP/2 has (RFC 9113 section 8.2.2)
	}
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = nil // the library must not add its own
	}
	if r.Length != 0 {
		req.ContentLength = r.Length
		req.Body = &uploadBody{Body: r.Body, req: req, s: s}
		declareTrailer(req, r)
	}
	trace := &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) {
			s.mark(&s.wrote)
			s.expect(s.c.o.cfg.Timeouts.FirstByte, reason.ReadFirstByteTimeout)
		},
		GotFirstResponseByte: func() { s.mark(&s.first) },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			return s.informational(code, h)
		},
	}
	return req.WithContext(httptrace.WithClientTrace(ctx, trace)), nil
}

func (s *stream) mark(d *time.Duration) {
	s.mu.Lock()
	*d = s.c.o.now().Sub(s.start)
	s.mu.Unlock()
}

// informational passes a 1xx on. The library leaves it to us to bound them.
func (s *stream) informational(code int, h textproto.MIMEHeader) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	if s.over {
		return nil
	}
	if s.early++; s.early > maxInformational {
		r := reason.New(reason.HTTP1TooManyInformational, itoa(s.early)+" responses 1xx before a final one", nil)
		s.cancel(r)
		return r
	}
	if code == 100 {
		return nil
	}
	return s.x.W.Informational(code, fromMap(http.Header(h)))
}

// setTarget makes the library send path and query byte for byte: it takes what stands in Opaque as it is, and cuts scheme
// and authority off again. A path alone would not do there: two slashes at its start read as an authority.
func setTarget(u *url.URL, r *exchange.Request) {
	u.Opaque = "//" + u.Host + r.Path
	if r.Path == "*" {
		u.Opaque = r.Path
	}
	u.RawQuery, u.ForceQuery = r.Query, r.HasQuery && r.Query == ""
}

func declareTrailer(req *http.Request, r *exchange.Request) {
	for _, v := range r.Header.Values("Trailer") {
		for name := range strings.SplitSeq(v, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			if httpwire.IsToken(name) {
				if req.Trailer == nil {
					req.Trailer = http.Header{}
				}
				req.Trailer[name] = nil
			}
		}
	}
	req.Header.Del("Trailer")
}

// uploadBody hands the client's body to the library, and its trailer at the end.
type uploadBody struct {
	exchange.Body
	req *http.Request
	s   *stream
}

func (b *uploadBody) Read(p []byte) (int, error) {
	n, err := b.Body.Read(p)
	if err == io.EOF {
		for _, f := range b.Body.Trailer() {
			k := textproto.CanonicalMIMEHeaderKey(f.Name)
			if _, declared := b.req.Trailer[k]; declared {
				b.req.Trailer[k] = append(b.req.Trailer[k], f.Value)
			}
		}
	} else if err != nil {
		b.s.cancel(reason.FromNet(err, reason.PhaseClientRead))
	}
	return n, err
}

// head turns the library's response into ours.
func (s *stream) head() {
	a := &s.x.Attempts[s.at]
	raw := s.raw
	s.mu.Lock()
	a.Write = s.wrote
	a.FirstByte = max(s.first-s.wrote, 0)
	s.mu.Unlock()
	a.Status = raw.StatusCode
	s.resp = exchange.Response{Status: raw.StatusCode, Proto: exchange.HTTP2, Header: fromMap(raw.Header), Length: raw.ContentLength, Body: s}
	if raw.ContentLength < 0 {
		s.resp.Length = exchange.Chunked
	}
	if !httpwire.BodyAllowed(s.want.Method, raw.StatusCode) {
		s.resp.Length = 0
	}
	s.body = raw.Body
	s.expect(s.c.o.cfg.Timeouts.ReadIdle, reason.ReadBodyStall)
	if connectionAuth(s.resp.Header, "WWW-Authenticate") {
		s.c.ep.http1.Store(true) // NTLM and Negotiate authenticate connections: not over HTTP/2
	}
}

// Read implements exchange.Body.
func (s *stream) Read(p []byte) (int, error) {
	s.expect(s.c.o.cfg.Timeouts.ReadIdle, reason.ReadBodyStall)
	n, err := s.body.Read(p)
	s.n += int64(n)
	if err != nil {
		a := &s.x.Attempts[s.at]
		a.Body = s.c.o.now().Sub(s.start) - s.first
		if err != io.EOF {
			r := s.fault(s.raw.Request.Context(), err)
			if r.Code == reason.ReadTruncated && r.Detail == "" {
				r.Detail = "http/2 stream after " + itoa(int(s.n)) + " bytes"
			}
			a.Reason, a.Detail, a.Err = r.Code, r.Detail, r
			err = r
		}
	}
	return n, err
}

// Trailer implements exchange.Body.
func (s *stream) Trailer() exchange.Header { return fromMap(s.raw.Trailer) }

// Close implements exchange.Body.
func (s *stream) Close() error {
	err := s.body.Close()
	s.end()
	return err
}

func (s *stream) end() {
	s.done.Do(func() {
		s.mu.Lock()
		if s.timer != nil {
			s.timer.Stop()
		}
		s.mu.Unlock()
		s.cancel(nil)
		s.telling.Lock()
		s.over = true
		s.telling.Unlock()
		a := &s.x.Attempts[s.at]
		if a.Body == exchange.NotReached && s.raw != nil {
			a.Body = 0
		}
		a.BytesReceived = s.n
		s.c.settle(a)
		s.c.ep.inflight.Add(-1)
	})
}

// fault says why a stream failed.
func (s *stream) fault(ctx context.Context, err error) *reason.Error {
	if r := reason.Of(context.Cause(ctx)); r != nil {
		return r
	}
	c := s.c
	if c.tap.refused != nil {
		return c.tap.refused
	}
	var se http2.StreamError
	var ga http2.GoAwayError
	var ce http2.ConnectionError
	switch {
	case errors.As(err, &se):
		return c.streamFault(se, err)
	case errors.As(err, &ga):
		return reason.New(reason.HTTP2GoAway, h2Code(ga.ErrCode), err)
	case errors.As(err, &ce) && http2.ErrCode(ce) == http2.ErrCodeFlowControl:
		return reason.New(reason.HTTP2FlowControl, "", err)
	case errors.As(err, &ce):
		return reason.New(reason.HTTP2BadFrame, h2Code(http2.ErrCode(ce)), err)
	case reason.Of(err) != nil:
		return reason.Of(err)
	}
	ph := reason.PhaseFirstByte
	if s.raw != nil {
		ph = reason.PhaseBody
	}
	if r := c.ioError(ph, err); r.Code != reason.UsInternal {
		return r
	}
	if c.h2.State().Closing {
		return reason.New(reason.HTTP2GoAway, h2Code(http2.ErrCodeNo), err)
	}
	return reason.New(reason.HTTP2BadFrame, "", err)
}

func (c *conn) streamFault(se http2.StreamError, err error) *reason.Error {
	switch se.Code {
	case http2.ErrCodeRefusedStream:
		return reason.New(reason.HTTP2RefusedStream, "", err)
	case http2.ErrCodeHTTP11Required:
		c.ep.http1.Store(true)
	case http2.ErrCodeFlowControl:
		return reason.New(reason.HTTP2FlowControl, "", err)
	}
	return reason.New(reason.HTTP2RST, h2Code(se.Code), err)
}

func h2Code(c http2.ErrCode) string { return itoa(int(c)) + " " + c.String() }

func fromMap(m http.Header) exchange.Header {
	h := make(exchange.Header, 0, len(m))
	for k, vs := range m {
		for _, v := range vs {
			h = append(h, exchange.Field{Name: k, Value: v})
		}
	}
	return h
}
