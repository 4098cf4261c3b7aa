package explain

import (
	"encoding/base64"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

func harRequestOf(x *httptimeline.Exchange) harRequest {
	m, h := &x.Request, x.Request.Head
	out := harRequest{Method: h.Method, URL: urlOf(h), HTTPVersion: h.Proto, Cookies: cookiesSent(h.Fields), Headers: pairs(h.Fields),
		Query: query(h.Target), HeadersSize: sizeOf(m), BodySize: m.Size}
	if m.Size > 0 {
		text, encoding := bodyText(m.Body)
		out.Post = &harPost{MimeType: field(h.Fields, "content-type"), Params: []harPair{}, Text: text, Encoding: encoding, Comment: partly(m)}
	}
	return out
}

func harResponseOf(x *httptimeline.Exchange) harResponse {
	m, h := &x.Response, x.Response.Head
	out := harResponse{Cookies: []harCookie{}, Headers: []harPair{}, HeadersSize: -1, BodySize: -1}
	if h == nil {
		return out
	}
	text, encoding := bodyText(m.Body)
	return harResponse{Status: h.Status, StatusText: h.Phrase, HTTPVersion: h.Proto, Cookies: cookiesSet(h.Fields), Headers: pairs(h.Fields),
		Content:     harContent{Size: m.Size, MimeType: field(h.Fields, "content-type"), Text: text, Encoding: encoding, Comment: partly(m)},
		RedirectURL: field(h.Fields, "location"), HeadersSize: sizeOf(m), BodySize: m.Size}
}

func sizeOf(m *httptimeline.Message) int {
	if m.HeadSize == 0 {
		return -1
	}
	return m.HeadSize
}

// partly says that a body is not there as a whole.
func partly(m *httptimeline.Message) string {
	switch {
	case !m.Complete:
		return "the body is not whole"
	case len(m.Body) > 0 && int64(len(m.Body)) < m.Size:
		return "the first " + grouped(int64(len(m.Body))) + " of " + several(m.Size, "byte")
	}
	return ""
}

func bodyText(b []byte) (text, encoding string) {
	if isText(b) {
		return string(b), ""
	}
	return base64.StdEncoding.EncodeToString(b), "base64"
}

func pairs(fields []fact.Field) []harPair {
	out := make([]harPair, 0, len(fields))
	for _, f := range fields {
		out = append(out, harPair(f))
	}
	return out
}

func field(fields []fact.Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}
