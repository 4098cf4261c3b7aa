package check

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// Exchange is a request and its answer as facts; indices point into Flow.Facts and are -1 for what was not seen.
type Exchange struct {
	Stream       int // of HTTP/2, 0 in HTTP/1
	Number       int // from 1, among the requests of the connection
	Request      *fact.HTTPHead
	RequestAt    int   // RequestHead; of live traffic RequestSent
	RequestDone  int   // RequestDone
	Interims     []int // ResponseInterim
	Response     *fact.HTTPHead
	ResponseAt   int // ResponseHead
	ResponseDone int // ResponseDone
	CutShort     int // HTTPCutShort of the answer
}

// Status is that of the answer, 0 without one.
func (x *Exchange) Status() int {
	if x.Response == nil {
		return 0
	}
	return x.Response.Status
}

// Line is the request line in short, "the request" where it was not read.
func (x *Exchange) Line() string {
	if x.Request == nil || x.Request.Method == "" {
		return "the request"
	}
	target := x.Request.Target
	if len(target) > 80 {
		target = target[:80] + "…"
	}
	return x.Request.Method + " " + target
}

// Field is the value of the first field of h with this name, in any case; "" without one. h may be nil.
func Field(h *fact.HTTPHead, name string) string {
	if h == nil {
		return ""
	}
	for i := range h.Fields {
		if strings.EqualFold(h.Fields[i].Name, name) {
			return h.Fields[i].Value
		}
	}
	return ""
}

// HasField reports whether h has a field with this name. h may be nil.
func HasField(h *fact.HTTPHead, name string) bool {
	return h != nil && slices.ContainsFunc(h.Fields, func(f fact.Field) bool { return strings.EqualFold(f.Name, name) })
}

// pair joins requests and answers, in the order of the requests. HTTP/2 joins by stream, HTTP/1 by order (RFC 9112 section 9.3.2).
func pair(facts []fact.Fact) []Exchange {
	var out []Exchange
	opened := func(at int) int { // request to which an answer at belongs
		stream := streamOf(&facts[at])
		for i := range out {
			if out[i].Stream == stream && out[i].ResponseAt < 0 {
				return i
			}
		}
		return -1
	}
	last := func(at int, after func(*Exchange) bool) *Exchange {
		stream := streamOf(&facts[at])
		for i := len(out) - 1; i >= 0; i-- {
			if out[i].Stream == stream && after(&out[i]) {
				return &out[i]
			}
		}
		return nil
	}
	for i := range facts {
		x := &facts[i]
		switch x.Kind {
		case fact.RequestHead, fact.RequestSent:
			h, _ := x.Detail.(*fact.HTTPHead)
			if x.Kind == fact.RequestSent && len(out) > 0 && out[len(out)-1].RequestDone < 0 && out[len(out)-1].ResponseAt < 0 {
				out[len(out)-1].RequestDone = i // its head was told apart
				continue
			}
			e := Exchange{Stream: streamOf(x), Number: len(out) + 1, Request: h, RequestAt: i, RequestDone: -1, ResponseAt: -1, ResponseDone: -1, CutShort: -1}
			if x.Kind == fact.RequestSent {
				e.RequestDone = i
			}
			out = append(out, e)
		case fact.RequestDone:
			if e := last(i, func(e *Exchange) bool { return e.RequestDone < 0 }); e != nil {
				e.RequestDone = i
			}
		case fact.ResponseInterim:
			if n := opened(i); n >= 0 {
				out[n].Interims = append(out[n].Interims, i)
			}
		case fact.ResponseHead:
			n := opened(i)
			if n < 0 { // of a request that was not seen
				out = append(out, Exchange{Stream: streamOf(x), Number: len(out) + 1, RequestAt: -1, RequestDone: -1, ResponseDone: -1, CutShort: -1})
				n = len(out) - 1
			}
			out[n].ResponseAt = i
			if out[n].Response, _ = x.Detail.(*fact.HTTPHead); out[n].Response == nil {
				out[n].Response = &fact.HTTPHead{Status: x.Code, Length: -1}
			}
		case fact.ResponseDone:
			if e := last(i, func(e *Exchange) bool { return e.ResponseAt >= 0 && e.ResponseDone < 0 }); e != nil {
				e.ResponseDone = i
			}
		case fact.HTTPCutShort:
			if e := last(i, func(e *Exchange) bool { return e.CutShort < 0 && e.ResponseDone < 0 }); e != nil && x.Side != fact.SideClient {
				e.CutShort = i
			}
		}
	}
	return out
}

func streamOf(x *fact.Fact) int {
	if h, ok := x.Detail.(*fact.HTTPHead); ok {
		return int(h.Stream)
	}
	switch x.Kind {
	case fact.RequestDone, fact.ResponseDone, fact.HTTPCutShort:
		return x.Code
	}
	return 0
}
