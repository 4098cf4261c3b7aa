package http2

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// The error codes of RFC 9113 section 7.
const (
	noError           = 0
	refusedStream     = 7
	cancel            = 8
	enhanceYourCalm   = 11
	inadequate        = 12
	http11Required    = 13
	mostExchangesRead = 10000
)

// withCode is the index of the first GOAWAY or RST_STREAM of side s with this error code, -1 without. SideNone: of either side.
func withCode(f *check.Flow, s fact.Side, code int) int {
	return f.Find(-1, func(x *fact.Fact) bool {
		return (x.Kind == fact.HTTP2GoAway || x.Kind == fact.HTTP2RstStream) && x.Code == code && (s == fact.SideNone || x.Side == s)
	})
}

// streamOf is the stream that a frame is about, 0 for the connection.
func streamOf(x *fact.Fact) int {
	if d, ok := x.Detail.(*fact.HTTP2Frame); ok {
		return int(d.Stream)
	}
	return 0
}

// exchangeOn is the request on a stream, nil without.
func exchangeOn(f *check.Flow, stream int) *check.Exchange {
	all := f.Exchanges()
	for i := range all[:min(len(all), mostExchangesRead)] {
		if all[i].Stream == stream {
			return &all[i]
		}
	}
	return nil
}

// line is the request line of a stream in short.
func line(f *check.Flow, stream int) string {
	if x := exchangeOn(f, stream); x != nil {
		return x.Line()
	}
	return "the request"
}

// answered reports whether the stream got its whole answer.
func answered(f *check.Flow, stream int) bool {
	x := exchangeOn(f, stream)
	return x != nil && x.ResponseDone >= 0
}

// overHTTP1 is another connection on which this request was asked by HTTP/1.1, with its exchange; nil without.
func overHTTP1(c *check.Case, request string) (*check.Flow, *check.Exchange) {
	for _, o := range c.Others {
		all := o.Exchanges()
		for i := range all {
			if all[i].Stream == 0 && all[i].RequestAt >= 0 && all[i].Line() == request && request != "the request" {
				return o, &all[i]
			}
		}
	}
	return nil, nil
}
