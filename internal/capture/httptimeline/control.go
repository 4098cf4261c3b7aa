package httptimeline

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// control notes what the fields say about framing and about the connection.
func (r *rawHead) control() {
	for i := range r.fields {
		f := &r.fields[i]
		switch len(f.name) {
		case 4:
			if r.host == "" && exchange.EqualFold(f.name, "Host") {
				r.host = f.value
			}
		case 6:
			if exchange.EqualFold(f.name, "Expect") {
				r.expect = exchange.EqualFold(f.value, "100-continue")
			}
		case 7:
			if r.upgrade == "" && exchange.EqualFold(f.name, "Upgrade") {
				r.upgrade = f.value
			}
		case 10:
			if exchange.EqualFold(f.name, "Connection") {
				r.closes = r.closes || hasMember(f.value, "close")
				r.upgrades = r.upgrades || hasMember(f.value, "upgrade")
			}
		case 14:
			if exchange.EqualFold(f.name, "Content-Length") {
				r.lengths.see(f.value)
			}
		case 17:
			if exchange.EqualFold(f.name, "Transfer-Encoding") {
				r.coding.see(f.value)
			}
		case 24:
			if exchange.EqualFold(f.name, "Sec-WebSocket-Extensions") {
				r.deflate = r.deflate || strings.Contains(strings.ToLower(f.value), "permessage-deflate")
			}
		}
	}
}

// see notes one Content-Length; a list of equal numbers is one number (RFC 9110 section 8.6).
func (l *lengths) see(v string) {
	l.several = l.seen || strings.Contains(v, ",")
	l.seen = true
	for part := range strings.SplitSeq(v, ",") {
		n, ok := parseLength(strings.Trim(part, " \t"))
		switch {
		case !ok:
			l.invalid = true
		case l.n < 0:
			l.n = n
		case l.n != n:
			l.differ = true
		}
	}
}

func parseLength(v string) (int64, bool) {
	n := int64(0)
	for i := range len(v) {
		c := v[i]
		if c < '0' || c > '9' || n > 1<<58 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(v) > 0
}

// see notes one Transfer-Encoding field; the last coding of the last field counts.
func (c *coding) see(v string) {
	for part := range strings.SplitSeq(v, ",") {
		part, _, _ = strings.Cut(strings.Trim(part, " \t"), ";")
		if len(part) == 0 || exchange.EqualFold(part, "identity") {
			continue
		}
		c.seen = true
		c.chunked = exchange.EqualFold(part, "chunked")
	}
}

// hasMember reports whether the list v has the member want.
func hasMember(v string, want string) bool {
	for part := range strings.SplitSeq(v, ",") {
		if exchange.EqualFold(strings.Trim(part, " \t"), want) {
			return true
		}
	}
	return false
}
