package httptimeline

import (
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// strictFault returns what the gateway's own parser has against the head in b, "" where it has nothing: the name of the fault
// and its section. What is only stricter than the RFCs is no fault here.
func (t *Timeline) strictFault(b []byte, response bool, method string) string {
	lim := httpwire.Limits{Line: maxHead, Head: maxHead + 1, Fields: maxFields}
	var err error
	if response {
		_, err = httpwire.ParseResponse(b, lim, method, &t.strict.resp)
	} else {
		_, err = httpwire.ParseRequest(b, lim, &t.strict.req)
	}
	if err == nil {
		return ""
	}
	e := reason.Of(err)
	switch e.Code {
	case reason.HTTP1BadEncoding: // "gzip, chunked" is allowed (RFC 9112 section 7)
		return ""
	case reason.HTTP1BadCL: // so are leading zeros (RFC 9110 section 8.6)
		if l := t.raw.lengths; l.n >= 0 && !l.several && !l.invalid && t.raw.status != 204 && (t.raw.status == 0 || t.raw.status >= 200) {
			return ""
		}
	}
	if t.cfg.Unmask {
		return e.Detail
	}
	return t.mask.Text(e.Detail)
}
