package origin

import (
	"strconv"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

func badFrame(detail string) *reason.Error { return reason.New(reason.HTTP2BadFrame, detail, nil) }

// takeHeaders takes a header block: an informational head, the final one, or the trailer section.
func (s *h2Stream) takeHeaders(f *http2.MetaHeadersFrame) *reason.Error {
	if f.Truncated {
		return reason.New(reason.HTTP1HeaderTooBig, "more than "+itoa(s.h.c.o.cfg.MaxHeader)+" bytes over http/2", nil)
	}
	header, status, r := h2Fields(f)
	if r != nil {
		return r
	}
	h := s.h
	h.mu.Lock()
	defer h.mu.Unlock()
	defer s.wakeUp()
	s.received += int64(f.Length) + frameHeader
	s.turn = h.c.o.now()
	switch {
	case s.err != nil: // over, the origin does not know yet
		return nil
	case s.final:
		return s.takeTrailerLocked(f, header, status)
	case status == 0:
		return reason.New(reason.HTTP2NoStatus, "status "+quoteStart([]byte(f.PseudoValue("status"))), nil)
	case status == 101:
		return badFrame("status 101 (RFC 9113 8.6)")
	case status < 200 && f.StreamEnded():
		return badFrame("END_STREAM with status " + itoa(status) + " (RFC 9113 8.1)")
	case status < 200:
		if s.early++; s.early > maxInformational {
			return tooManyInformational(s.early)
		}
		s.heads = append(s.heads, h2Head{status, header})
		return nil
	}
	return s.takeFinalLocked(h2Head{status, header}, f.StreamEnded())
}

func (s *h2Stream) takeFinalLocked(head h2Head, end bool) *reason.Error {
	if head.header.Has("Content-Length") {
		n, ok := contentLength(head.header)
		if !ok {
			return reason.New(reason.HTTP1BadCL, "over http/2 (RFC 9110 8.6)", nil)
		}
		s.stated = n
	}
	if !httpwire.BodyAllowed(s.req.Method, head.status) {
		s.stated = 0
	}
	s.final = true
	s.heads = append(s.heads, head)
	return s.endLocked(end)
}

func (s *h2Stream) takeTrailerLocked(f *http2.MetaHeadersFrame, header exchange.Header, status int) *reason.Error {
	switch {
	case len(f.PseudoFields()) > 0 || status != 0:
		return badFrame("pseudo-header field in a trailer section (RFC 9113 8.1)")
	case !f.StreamEnded():
		return badFrame("second HEADERS without END_STREAM (RFC 9113 8.1)")
	}
	for _, field := range header {
		if httpwire.ForbiddenTrailer(field.Name) {
			return reason.New(reason.HTTP1BadTrailer, "field "+quoteStart([]byte(field.Name))+" (RFC 9110 6.5.1)", nil)
		}
	}
	s.trailer = header
	return s.endLocked(true)
}

// takeData takes a piece of the body.
func (s *h2Stream) takeData(f *http2.DataFrame) *reason.Error {
	h := s.h
	h.mu.Lock()
	defer h.mu.Unlock()
	defer s.wakeUp()
	s.received += int64(f.Length) + frameHeader
	s.turn = h.c.o.now()
	data := f.Data()
	switch {
	case s.err != nil:
		return nil
	case !s.final:
		return badFrame("DATA before the final HEADERS (RFC 9113 8.1)")
	case s.ended:
		return badFrame("DATA after END_STREAM (RFC 9113 5.1)")
	case int64(f.Length) > s.credit:
		return reason.New(reason.HTTP2FlowControl, "DATA beyond the stream's window (RFC 9113 6.9)", nil)
	}
	s.credit -= int64(f.Length)
	if s.came += int64(len(data)); s.stated >= 0 && s.came > s.stated {
		return reason.New(reason.HTTP1ExtraData, "more DATA than Content-Length (RFC 9113 8.1.1)", nil)
	}
	s.body = append(s.body, data...)
	return s.endLocked(f.StreamEnded())
}

// endLocked notes the end of the response where it is one.
func (s *h2Stream) endLocked(end bool) *reason.Error {
	if !end {
		return nil
	}
	if s.stated > s.came {
		return reason.New(reason.ReadTruncated, itoa(int(s.came))+" of "+strconv.FormatInt(s.stated, 10)+" bytes (RFC 9113 8.1.1)", nil)
	}
	s.ended = true
	return nil
}

// h2Fields returns the fields of a block and its status, 0 for none that is valid.
func h2Fields(f *http2.MetaHeadersFrame) (exchange.Header, int, *reason.Error) {
	status := 0
	if v := f.PseudoValue("status"); len(v) == 3 && v[0] >= '1' && v[0] <= '5' && isDigit(v[1]) && isDigit(v[2]) {
		status = int(v[0]-'0')*100 + int(v[1]-'0')*10 + int(v[2]-'0')
	}
	fields := f.RegularFields()
	if len(fields) > maxFields {
		return nil, 0, reason.New(reason.HTTP1HeaderTooBig, "more than "+itoa(maxFields)+" fields over http/2", nil)
	}
	h := make(exchange.Header, 0, len(fields))
	for _, field := range fields {
		if !httpwire.IsToken(field.Name) || !httpwire.ValidFieldValue(field.Value) {
			return nil, 0, badFrame("malformed field (RFC 9113 8.2.1)")
		}
		switch field.Name {
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
			return nil, 0, badFrame("connection-specific field " + field.Name + " (RFC 9113 8.2.2)")
		}
		h = append(h, exchange.Field{Name: field.Name, Value: field.Value})
	}
	return h, status, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// contentLength reads the one Content-Length of h, as strictly as in HTTP/1.1.
func contentLength(h exchange.Header) (int64, bool) {
	v := h.Get("Content-Length")
	if h.Count("Content-Length") != 1 || len(v) == 0 || len(v) > 18 || len(v) > 1 && v[0] == '0' {
		return 0, false
	}
	n := int64(0)
	for i := range len(v) {
		if !isDigit(v[i]) {
			return 0, false
		}
		n = n*10 + int64(v[i]-'0')
	}
	return n, true
}

// head waits for the final head, passing on what comes before it.
func (s *h2Stream) head() *reason.Error {
	for {
		if r := s.await(func() bool { return len(s.heads) > 0 }); r != nil {
			return r
		}
		s.h.mu.Lock()
		head := s.heads[0]
		s.heads = s.heads[1:]
		s.h.mu.Unlock()
		if head.status != 100 && s.attempt().FirstByte == exchange.NotReached {
			s.spoke()
		}
		switch {
		case head.status >= 200:
			s.answer(head)
			return nil
		case head.status != 100:
			if err := s.x.W.Informational(head.status, head.header); err != nil {
				return clientFault(s.ctx, err)
			}
		}
	}
}

// spoke notes when the answer began, as in HTTP/1.1.
func (s *h2Stream) spoke() {
	a := s.attempt()
	if s.up != nil && s.up.finished() && s.up.complete {
		a.Write = s.up.out
	}
	a.FirstByte = s.h.c.o.now().Sub(s.start)
	if a.Write > 0 {
		a.FirstByte = max(a.FirstByte-a.Write, 0)
	}
}

// answer takes over the final head.
func (s *h2Stream) answer(head h2Head) {
	a, ep := s.attempt(), s.h.c.ep
	a.Status = head.status
	s.answered, s.headAt = true, s.h.c.o.now()
	s.resp = exchange.Response{Status: head.status, Proto: exchange.HTTP2, Header: head.header, Length: exchange.Chunked, Body: s}
	if head.status >= 400 {
		a.Answered = answered(&s.resp)
	}
	s.h.mu.Lock()
	switch {
	case s.stated >= 0:
		s.resp.Length = s.stated
	case s.ended && s.came == 0:
		s.resp.Length = 0
	}
	s.h.mu.Unlock()
	if s.resp.Length == 0 {
		a.Body = 0
	}
	if connectionAuth(head.header, "WWW-Authenticate") {
		ep.http1.Store(true) // NTLM and Negotiate authenticate connections: not over HTTP/2
	}
	if head.status >= 400 && s.up != nil && !s.up.finished() {
		s.up.settle(s.req.Body) // an error answer ends the need for the body
	}
}
