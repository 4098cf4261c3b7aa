package httpwire

import (
	"bytes"
	"slices"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ParseRequest parses the request head at the start of b (RFC 9112 section 3) and returns how many bytes it took.
// n == 0 with a nil error means that more bytes are needed. Every error is a *reason.Error; the connection is of no more use then.
//
// r is overwritten but for Scheme, which only the connection knows; its Header's storage is used again where it is large
// enough. Body is NoBody: a request with Length other than 0 gets its body from [Reader.Body]. Strings are parts of one copy of the head.
//
// One empty line before the request line is passed over (section 2.2). Authority is "" only for HTTP/1.0 without Host.
// Upgrade is set for a single protocol on a request without body; h2c and TLS upgrades are ignored (RFC 9113 section 3.1,
// RFC 9110 section 7.8), as is Expect without a body or in HTTP/1.0 (RFC 9110 section 10.1.1).
func ParseRequest(b []byte, lim Limits, r *exchange.Request) (n int, err error) {
	sec := lim.orDefaults().head()
	start, err := leadingEmptyLine(b)
	if start < 0 || err != nil {
		return 0, err
	}
	lf, err := sec.findLine(b, start)
	if lf < 0 {
		return 0, err
	}
	method, target, proto, err := splitRequestLine(b[start : lf-1])
	if err != nil {
		return 0, err
	}
	end, lines, err := sec.findEnd(b, lf+1)
	if end == 0 {
		return 0, err
	}
	text := string(b[start:end])
	ctl := control{}
	h, err := parseFields(b[lf+1:end], text[lf+1-start:], slices.Grow(r.Header[:0], lines), &ctl)
	if err != nil {
		return 0, err
	}
	*r = exchange.Request{
		Method: text[:method], Target: text[method+1 : target], Scheme: r.Scheme, Proto: proto, Header: h, Body: exchange.NoBody,
	}
	if err := ctl.target(r); err != nil {
		return 0, err
	}
	if err := ctl.request(r); err != nil {
		return 0, err
	}
	return end, nil
}

// leadingEmptyLine returns 2 where b begins with an empty line, 0 where it begins with something else, -1 where more bytes
// are needed. It already refuses what cannot become a request, so that nobody waits for the end of a line that never comes.
func leadingEmptyLine(b []byte) (int, error) {
	start := 0
	if len(b) > 0 && b[0] == '\r' {
		if len(b) == 1 {
			return -1, nil
		}
		if b[1] != '\n' {
			return 0, fault(reason.HTTP1BareLF, "bare CR before the request line (RFC 9112 2.2)")
		}
		start = 2
	}
	switch {
	case len(b) == start:
		return -1, nil
	case b[start] == '\r':
		return 0, fault(reason.HTTP1BadRequestLine, "more than one empty line before the request line (RFC 9112 2.2)")
	case b[start] == '\n':
		return 0, fault(reason.HTTP1BareLF, "bare LF before the request line (RFC 9112 2.2)")
	case b[start] == 0x16:
		return 0, fault(reason.HTTP1BadRequestLine, "TLS record instead of a request line, TLS spoken to a plain port (RFC 9112 3)")
	case class[b[start]]&classToken == 0:
		return 0, fault(reason.HTTP1BadRequestLine, byteName(b[start])+" instead of a method (RFC 9112 3)")
	}
	return start, nil
}

// splitRequestLine returns where the method and the request-target of line end, and the version.
func splitRequestLine(line []byte) (method, target int, p exchange.Proto, err error) {
	for method < len(line) && class[line[method]]&classToken != 0 {
		method++
	}
	if method == len(line) {
		return 0, 0, 0, fault(reason.HTTP1BadRequestLine, "no request-target (RFC 9112 3)")
	}
	if line[method] != ' ' {
		return 0, 0, 0, lineFault(line[method], " in the method (RFC 9112 3.1, RFC 9110 9.1)", reason.HTTP1BadRequestLine)
	}
	target = method + 1
	for target < len(line) && class[line[target]]&classTarget != 0 {
		target++
	}
	switch {
	case target == len(line) && target > method+1:
		return 0, 0, 0, fault(reason.HTTP1BadVersion, "no HTTP version, as in HTTP/0.9 (RFC 9112 3, 2.3)")
	case target == len(line) || target == method+1 && line[target] == ' ':
		return 0, 0, 0, fault(reason.HTTP1BadRequestLine, "empty request-target or more than one space (RFC 9112 3)")
	case line[target] == '#':
		return 0, 0, 0, fault(reason.HTTP1BadTarget, "fragment in the request-target (RFC 9112 3.2)")
	case line[target] != ' ':
		return 0, 0, 0, lineFault(line[target], " in the request-target (RFC 9112 3.2)", reason.HTTP1BadTarget)
	}
	p, err = requestVersion(line[target+1:])
	return method, target, p, err
}

func requestVersion(v []byte) (exchange.Proto, error) {
	switch {
	case string(v) == "HTTP/1.1":
		return exchange.HTTP11, nil
	case string(v) == "HTTP/1.0":
		return exchange.HTTP10, nil
	case string(v) == "HTTP/2.0":
		return 0, fault(reason.HTTP1BadVersion, "HTTP/2 preface or version on an HTTP/1.1 connection (RFC 9113 3.4, RFC 9112 2.3)")
	case len(v) == 8 && bytes.HasPrefix(v, []byte("HTTP/")) && all(v[5:6], classDigit) && v[6] == '.' && all(v[7:], classDigit):
		return 0, fault(reason.HTTP1BadVersion, "version "+quote(v)+", not HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3)")
	case bytes.IndexByte(v, ' ') > 0 && !bytes.HasPrefix(v, []byte("HTTP/")):
		return 0, fault(reason.HTTP1BadTarget, "space in the request-target (RFC 9112 3.2)")
	case bytes.IndexByte(v, '\r') >= 0:
		return 0, fault(reason.HTTP1BareLF, "bare CR in the request line (RFC 9112 2.2)")
	case len(v) > 0 && (v[0] == ' ' || v[len(v)-1] == ' '):
		return 0, fault(reason.HTTP1BadRequestLine, "more than one space, or one at the end (RFC 9112 3)")
	}
	return 0, fault(reason.HTTP1BadVersion, quote(v)+" instead of an HTTP version (RFC 9112 2.3)")
}

func lineFault(c byte, rest string, code reason.Code) error {
	if c == '\r' {
		return fault(reason.HTTP1BareLF, "bare CR"+rest)
	}
	return fault(code, byteName(c)+rest)
}

// request fills what the control fields say about r, and refuses what they may not say.
func (c *control) request(r *exchange.Request) (err error) {
	if r.Length, err = c.framing(r.Proto, 0); err != nil {
		return err
	}
	switch {
	case c.types > 1:
		return fault(reason.HTTP1DuplicateHeader, "more than one Content-Type (RFC 9110 5.3, 8.3)")
	case c.auths > 1:
		return fault(reason.HTTP1DuplicateHeader, "more than one Authorization (RFC 9110 5.3, 11.6.2)")
	case r.Length != 0 && (r.Method == "CONNECT" || r.Method == "TRACE"):
		return fault(reason.ClientBadRequest, r.Method+" with content (RFC 9110 9.3.6, 9.3.8)")
	case c.expects > 1 || c.expects == 1 && !exchange.EqualFold(c.expect, "100-continue"):
		return fault(reason.ClientBadRequest, "Expect other than 100-continue, once (RFC 9110 10.1.1)")
	}
	r.Close = c.close(r.Proto)
	r.Expect = c.expects == 1 && r.Proto == exchange.HTTP11 && r.Length != 0
	r.Upgrade, err = c.upgradeOf(r)
	return err
}

// upgradeOf returns the one protocol that the client asks to switch to, or "" where it asks for none that we would relay.
func (c *control) upgradeOf(r *exchange.Request) (string, error) {
	if c.upgrades == 0 {
		return "", nil
	}
	if !validUpgrade(c.upgrade) {
		return "", fault(reason.HTTP1BadUpgrade, "Upgrade "+quote(c.upgrade)+" is no list of protocols (RFC 9110 7.8)")
	}
	if c.upgrades > 1 || !c.connUpgrade || r.Proto != exchange.HTTP11 || r.Length != 0 || !relayedUpgrade(c.upgrade) {
		return "", nil
	}
	return lower(c.upgrade), nil
}
