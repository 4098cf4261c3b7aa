package httpwire

import (
	"bytes"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// BodyAllowed reports whether a response with status to a request with method can have a body (RFC 9112 section 6.3):
// not to HEAD, not 1xx, 204 or 304, not 2xx to CONNECT.
func BodyAllowed(method string, status int) bool {
	switch {
	case status < 200, status == 204, status == 304, method == "HEAD":
		return false
	}
	return method != "CONNECT" || status >= 300
}

// ParseResponse parses the response head at the start of b (RFC 9112 section 4), the answer to a request with method, and
// returns how many bytes it took. n == 0 with a nil error means that more bytes are needed. Every error is a *reason.Error.
//
// r is overwritten; its Header's storage is used again where it is large enough. Body is NoBody: a response with Length
// other than 0 gets its body from [Reader.Body]. Length is 0 where no body can follow, whatever Content-Length says of the
// representation (HEAD, 304): the field stays in Header. A 1xx is a message of its own: read again after it.
func ParseResponse(b []byte, lim Limits, method string, r *exchange.Response) (n int, err error) {
	sec := lim.orDefaults().head()
	if ok, err := statusStart(b); !ok {
		return 0, err
	}
	lf, err := sec.findLine(b, 0)
	if lf < 0 {
		return 0, err
	}
	status, proto, err := parseStatusLine(b[:lf-1])
	if err != nil {
		return 0, err
	}
	end, lines, err := sec.findEnd(b, lf+1)
	if end == 0 {
		return 0, err
	}
	text := string(b[:end])
	ctl := control{response: true}
	h, err := parseFields(b[lf+1:end], text[lf+1:], room(r.Header, lines), &ctl)
	if err != nil {
		return 0, err
	}
	*r = exchange.Response{Status: status, Proto: proto, Header: h, Body: exchange.NoBody}
	if lf-1 > 13 {
		r.Phrase = text[13 : lf-1]
	}
	if err := ctl.answer(method, r); err != nil {
		return 0, err
	}
	return end, nil
}

// statusStart reports whether b can be the start of a status line. Where it cannot, it returns no error until it has seen
// enough of the line to quote: bytes that are no text at once, text up to its line's end.
func statusStart(b []byte) (ok bool, err error) {
	const want = "HTTP/1."
	same := 0
	for same < len(b) && same < len(want) && b[same] == want[same] {
		same++
	}
	switch {
	case same == len(b), same == len(want):
		return true, nil
	case b[0] == 0x15 || b[0] == 0x16:
		return false, fault(reason.TLSWrongPort, "TLS record instead of a status line, TLS on this port (RFC 9112 4)")
	case class[b[0]]&classValue == 0 || b[0] >= 0x80:
		return false, fault(reason.HTTP1BadStatusLine, byteName(b[0])+" instead of a status line (RFC 9112 4)")
	}
	end := bytes.IndexAny(b[:min(len(b), quoteLimit+1)], "\r\n")
	if end < 0 && len(b) <= quoteLimit {
		return false, nil
	} else if end < 0 {
		end = quoteLimit + 1
	}
	return false, noStatusLine(b[:end])
}

// noStatusLine says that line, or as much as came of it, is none.
func noStatusLine(line []byte) error {
	if bytes.HasPrefix(line, []byte("HTTP/")) {
		return fault(reason.HTTP1BadVersion, quote(line)+": not HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3)")
	}
	return fault(reason.HTTP1BadStatusLine, quote(line)+" instead of a status line (RFC 9112 4)")
}

// parseStatusLine reads "HTTP/1.1 200 OK". The space before an empty phrase may be missing, which leaves no doubt.
func parseStatusLine(line []byte) (status int, p exchange.Proto, err error) {
	bad := func(what string) (int, exchange.Proto, error) {
		return 0, 0, fault(reason.HTTP1BadStatusLine, quote(line)+": "+what+" (RFC 9112 4)")
	}
	switch {
	case len(line) < 12 || line[8] != ' ':
		return bad("no version, space and three-digit status")
	case line[7] == '1':
		p = exchange.HTTP11
	case line[7] == '0':
		p = exchange.HTTP10
	default:
		return 0, 0, fault(reason.HTTP1BadVersion, "version "+quote(line[:8])+", not HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3)")
	}
	if !all(line[9:12], classDigit) || len(line) > 12 && line[12] != ' ' {
		return bad("status is not three digits and a space")
	}
	status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	if status < 100 || status > 599 {
		return 0, 0, fault(reason.HTTP1BadStatusLine, "status "+string(line[9:12])+" is outside 100 to 599 (RFC 9110 15)")
	}
	for _, c := range line[12:] {
		if class[c]&classValue == 0 {
			return 0, 0, lineFault(c, " in the reason phrase (RFC 9112 4)", reason.HTTP1BadStatusLine)
		}
	}
	return status, p, nil
}

// answer fills what the control fields say about r, and refuses what they may not say.
func (c *control) answer(method string, r *exchange.Response) (err error) {
	if r.Length, err = c.framing(r.Proto, exchange.UntilClose); err != nil {
		return err
	}
	stated := r.Length
	r.Close = c.close(r.Proto)
	switch {
	case BodyAllowed(method, r.Status):
		r.Close = r.Close || r.Length == exchange.UntilClose
		return nil
	case r.Status < 200 || r.Status == 204:
		if stated == exchange.Chunked {
			return fault(reason.HTTP1BadTE, "Transfer-Encoding in a 1xx or 204 (RFC 9112 6.1)")
		}
		if stated > 0 {
			return fault(reason.HTTP1BadCL, "Content-Length above 0 in a 1xx or 204 (RFC 9110 8.6)")
		}
	}
	r.Length = 0
	if r.Status == 101 && (c.upgrades != 1 || !validUpgrade(c.upgrade) || strings.Contains(c.upgrade, ",") || !c.connUpgrade) {
		return fault(reason.HTTP1BadUpgrade, "101 without one Upgrade that Connection names (RFC 9110 7.8, 15.2.2)")
	}
	return nil
}
