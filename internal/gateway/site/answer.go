package site

import (
	"net/http"
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ErrorAnswer makes up the answer to a request that ends at us, with the site's own page where m has a site; m may be
// nil. See [Pages.Answer].
func (t *Table) ErrorAnswer(x *exchange.Exchange, m *Match, status int, code reason.Code, detail string) (*exchange.Response, []byte) {
	if m == nil || m.Site == nil {
		return (*Pages)(nil).Answer(x, status, code, detail)
	}
	return m.Site.pages.Answer(x, status, code, detail)
}

// Refusal makes up the answer to a request that Match refused.
func (t *Table) Refusal(x *exchange.Exchange, m *Match, f *Fault) (*exchange.Response, []byte) {
	r, body := t.ErrorAnswer(x, m, f.Status, f.Reason.Code, f.Reason.Detail)
	r.Header = append(r.Header, f.Header...)
	return r, body
}

// Answer makes up an answer: HTML, JSON or text as the client likes it, with id, status, reason code, a sentence for
// the one who reads it and the time of the request; Proxy-Status tells machines the same, see [reason.ProxyStatus]. Status 0 is the one
// that belongs to code. A nil *Pages has the built-in pages only. r.Length is the length of the body, r.Body is NoBody:
// the caller sends the bytes.
func (p *Pages) Answer(x *exchange.Exchange, status int, code reason.Code, detail string) (r *exchange.Response, body []byte) {
	info := reason.Lookup(code)
	inRequest := info.Side == reason.SideClient || x.Answer.InRequest
	if status == 0 {
		status = info.StatusFor(inRequest)
	}
	v := values{
		id: x.ID, code: strconv.Itoa(status), phrase: phraseOf(status), reason: string(code),
		sentence: sentence(status, code), time: x.Start.UTC().Format(time.RFC3339),
	}
	custom := p.custom(status)
	f := negotiate(x.Request.Header)
	if f == formatAny {
		if f = formatText; custom != nil {
			f = formatHTML
		}
	}
	contentType := f.mediaType()
	switch f {
	case formatHTML:
		body, contentType = custom.render(&v), "text/html; charset=utf-8"
	case formatJSON, formatProblem:
		body = v.json(status)
	default:
		body, contentType = v.text(), "text/plain; charset=utf-8"
	}
	r = &exchange.Response{Status: status, Phrase: v.phrase, Proto: exchange.HTTP11, Length: int64(len(body)), Body: exchange.NoBody}
	r.Header = make(exchange.Header, 0, 8)
	r.Header = append(r.Header,
		dateField(),
		exchange.Field{Name: "Content-Type", Value: contentType},
		exchange.Field{Name: "Cache-Control", Value: "no-store"},
		exchange.Field{Name: "X-Content-Type-Options", Value: "nosniff"},
		exchange.Field{Name: "X-Request-Id", Value: x.ID},
		exchange.Field{Name: "Proxy-Status", Value: reason.ProxyStatus(code, detail, inRequest)},
	)
	if f == formatHTML && custom == nil {
		r.Header.Add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	}
	return r, body
}

// dateField says when an answer was made (RFC 9110 section 6.6.1).
func dateField() exchange.Field {
	return exchange.Field{Name: "Date", Value: time.Now().UTC().Format(http.TimeFormat)}
}

func phraseOf(status int) string {
	if status == 499 {
		return "Client Closed Request"
	}
	if s := http.StatusText(status); s != "" {
		return s
	}
	return "Error"
}

// sentence says to whoever reads the page what happened and what they can do. It speaks of the site, never of what
// stands behind it.
func sentence(status int, code reason.Code) string {
	switch code {
	case reason.ConfigNoSite:
		return "No site of this name is served here. Check the address."
	case reason.ConfigSNIHostMismatch:
		return "This connection was opened for another site. Reload the page, or open it in a new window."
	case reason.ConfigLoopDetected:
		return "The request came back to where it had been before. Only the operator of the site can mend this."
	case reason.ClientPathRefused:
		return "The address holds characters that this site does not accept. Check the address."
	case reason.ClientCertRequired, reason.TLSClientCertRequired:
		return "This page asks for a client certificate."
	case reason.ClientCertRejected:
		return "The client certificate was not accepted."
	}
	switch status {
	case 400:
		return "The request could not be understood."
	case 403:
		return "The request was blocked to protect the site. If you did nothing unusual, tell the operator the id below."
	case 405, 501:
		return "This site does not allow requests of this kind."
	case 408:
		return "The request took too long to arrive. Try again."
	case 413:
		return "What you sent is larger than this site accepts."
	case 414, 431:
		return "The request is larger than this site accepts. Clearing the cookies of this site may help."
	case 429:
		return "Too many requests came from you in a short time. Wait a moment, then try again."
	case 502:
		return "The site gave no usable answer. Try again in a moment; if it stays so, tell the operator the id below."
	case 503:
		return "The site can not serve the request at present. Try again in a moment."
	case 504:
		return "The site took too long to answer. Try again in a moment; if it stays so, tell the operator the id below."
	}
	if status >= 500 {
		return "Something went wrong while the request was served. If it stays so, tell the operator the id below."
	}
	return "The request was not accepted."
}
