package httpwire

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// control gathers, while the fields of a head go by, those that say how the message is framed and what becomes of the connection.
type control struct {
	host, length, coding, upgrade, expect, location string

	hosts, lengths, codings, upgrades, expects, types, auths int

	connClose, connKeepAlive, connUpgrade bool

	response bool // a response's fields, not a request's
}

// see notes one field. The length of the name tells nearly every other field apart at once.
func (c *control) see(f exchange.Field) error {
	switch len(f.Name) {
	case 4:
		if exchange.EqualFold(f.Name, "Host") {
			c.host = f.Value
			c.hosts++
		}
	case 6:
		if exchange.EqualFold(f.Name, "Expect") {
			c.expect = f.Value
			c.expects++
		}
	case 7:
		if exchange.EqualFold(f.Name, "Upgrade") {
			c.upgrade = f.Value
			c.upgrades++
		}
	case 8:
		if c.response && exchange.EqualFold(f.Name, "Location") {
			return c.seeLocation(f.Value)
		}
	case 10:
		if exchange.EqualFold(f.Name, "Connection") {
			return c.seeConnection(f.Value)
		}
	case 12:
		if exchange.EqualFold(f.Name, "Content-Type") {
			c.types++
		}
	case 13:
		if exchange.EqualFold(f.Name, "Authorization") {
			c.auths++
		}
	case 14:
		if exchange.EqualFold(f.Name, "Content-Length") {
			c.length = f.Value
			c.lengths++
		}
	case 17:
		if exchange.EqualFold(f.Name, "Transfer-Encoding") {
			c.coding = f.Value
			c.codings++
		}
	}
	return nil
}

// seeLocation refuses a second Location that differs: one of them would be followed, and which is anybody's guess.
func (c *control) seeLocation(v string) error {
	if c.location != "" && c.location != v {
		return fault(reason.HTTP1DuplicateHeader, "two Location fields that differ (RFC 9110 5.3, 10.2.2)")
	}
	c.location = v
	return nil
}

// seeConnection reads the options of one Connection field (RFC 9110 section 7.6.1). Empty members are allowed (5.6.1.2).
func (c *control) seeConnection(v string) error {
	for part := range strings.SplitSeq(v, ",") {
		part = strings.Trim(part, " \t")
		switch {
		case part == "":
		case exchange.EqualFold(part, "close"):
			c.connClose = true
		case exchange.EqualFold(part, "keep-alive"):
			c.connKeepAlive = true
		case exchange.EqualFold(part, "upgrade"):
			c.connUpgrade = true
		case !IsToken(part):
			return fault(reason.HTTP1BadHeader, "Connection names "+quote(part)+", which is no token (RFC 9110 7.6.1)")
		}
	}
	return nil
}

// close reports whether the peer ends the connection after this message (RFC 9112 section 9.3).
func (c *control) close(p exchange.Proto) bool {
	return c.connClose || p == exchange.HTTP10 && !c.connKeepAlive
}
