package origin

import (
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/redact"
)

// sentHead is the head of the request as it may be shown.
func sentHead(a *exchange.Attempt, mask *redact.Masker) *fact.HTTPHead {
	r := a.Sent
	target := r.Path
	if r.HasQuery {
		target += "?" + r.Query
	}
	h := &fact.HTTPHead{Stream: a.Stream, Proto: a.Proto.String(), Method: r.Method, Authority: r.Authority, Target: mask.Target(target), Length: r.Length}
	if a.Proto == exchange.HTTP2 {
		h.Scheme = "https"
		if a.SNI == "" && a.TLSVersion == 0 {
			h.Scheme = "http"
		}
	} else if h.Proto != "" {
		h.Fields = append(h.Fields, fact.Field{Name: "Host", Value: r.Authority})
	}
	if a.Announced {
		h.Fields = append(h.Fields, fact.Field{Name: "Expect", Value: "100-continue"})
	}
	if r.Length == exchange.Chunked {
		h.Length = -1
	}
	h.Fields = append(h.Fields, shown(r.Header, mask, "Host")...)
	return h
}

// answeredHead is the head of an answer as it may be shown; of one that was not kept, what the record has.
func answeredHead(a *exchange.Attempt, mask *redact.Masker) *fact.HTTPHead {
	r := a.Answered
	if r == nil {
		return &fact.HTTPHead{Stream: a.Stream, Proto: a.Proto.String(), Status: a.Status, Length: -1}
	}
	h := &fact.HTTPHead{Stream: a.Stream, Proto: r.Proto.String(), Status: r.Status, Phrase: r.Phrase, Fields: shown(r.Header, mask, ""), Length: r.Length}
	if h.Length < 0 {
		h.Length = -1
	}
	return h
}

// shown are fields, masked, but for the one called without.
func shown(fields exchange.Header, mask *redact.Masker, without string) []fact.Field {
	out := make([]fact.Field, 0, len(fields))
	for _, f := range fields {
		if without == "" || !exchange.EqualFold(f.Name, without) {
			out = append(out, fact.Field{Name: f.Name, Value: mask.Header(f.Name, f.Value)})
		}
	}
	return out
}
