package httpwire

import (
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ParseRequest parses the request head at the start of b (RFC 9112 section 3) and returns how many bytes it took.
// n == 0 with a nil error means that more bytes are needed. Every error is a *reason.Error; the connection is of no more use
// then, and what r holds means nothing.
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
	h, err := parseFields(b[lf+1:end], text[lf+1-start:], room(r.Header, lines), &ctl)
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
