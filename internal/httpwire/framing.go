package httpwire

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// framing returns the body length that Content-Length and Transfer-Encoding state, or none where there is neither.
func (c *control) framing(p exchange.Proto, none int64) (int64, error) {
	switch {
	case c.codings > 0 && c.lengths > 0:
		return 0, fault(reason.HTTP1CLAndTE, "Content-Length beside Transfer-Encoding (RFC 9112 6.1, 6.3)")
	case c.codings > 0:
		return exchange.Chunked, c.checkCoding(p)
	case c.lengths > 1:
		return 0, fault(reason.HTTP1BadCL, strconv.Itoa(c.lengths)+" Content-Length fields (RFC 9110 8.6, RFC 9112 6.3)")
	case c.lengths == 1:
		return parseLength(c.length)
	}
	return none, nil
}

// checkCoding accepts "chunked", once, in HTTP/1.1 (RFC 9112 sections 6.1 and 7).
func (c *control) checkCoding(p exchange.Proto) error {
	switch {
	case c.codings > 1:
		return fault(reason.HTTP1BadTE, strconv.Itoa(c.codings)+" Transfer-Encoding fields (RFC 9112 6.1)")
	case p == exchange.HTTP10:
		return fault(reason.HTTP1BadTE, "Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)")
	case exchange.EqualFold(c.coding, "chunked"):
		return nil
	case c.response && endsChunkedOnce(c.coding):
		return fault(reason.HTTP1BadEncoding, "Transfer-Encoding "+quote(c.coding)+": coding besides chunked that nobody asked for (RFC 9112 7, RFC 9110 10.1.4)")
	}
	return fault(reason.HTTP1BadTE, "Transfer-Encoding "+quote(c.coding)+" is not exactly chunked (RFC 9112 6.1, 7)")
}

// endsChunkedOnce reports whether codings is a list whose last member, and only that, is chunked.
func endsChunkedOnce(codings string) bool {
	last := strings.LastIndexByte(codings, ',')
	if last < 0 || !exchange.EqualFold(strings.Trim(codings[last+1:], " \t"), "chunked") {
		return false
	}
	for part := range strings.SplitSeq(codings[:last], ",") {
		part = strings.Trim(part, " \t")
		if !IsToken(part) || exchange.EqualFold(part, "chunked") {
			return false
		}
	}
	return true
}

// parseLength reads a Content-Length: digits alone, no sign, no list, no leading zero, below 10^18 (RFC 9110 section 8.6).
func parseLength(v string) (int64, error) {
	switch {
	case v == "":
		return 0, fault(reason.HTTP1BadCL, "empty Content-Length (RFC 9110 8.6)")
	case !all(v, classDigit):
		return 0, fault(reason.HTTP1BadCL, "Content-Length "+quote(v)+" is not digits alone (RFC 9110 8.6)")
	case len(v) > 1 && v[0] == '0':
		return 0, fault(reason.HTTP1BadCL, "Content-Length "+quote(v)+" with a leading zero (RFC 9110 8.6)")
	case len(v) > 18:
		return 0, fault(reason.HTTP1BadCL, "Content-Length "+quote(v)+" of more than 18 digits (RFC 9110 8.6)")
	}
	n := int64(0)
	for i := 0; i < len(v); i++ {
		n = n*10 + int64(v[i]-'0')
	}
	return n, nil
}
