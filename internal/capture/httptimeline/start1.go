package httptimeline

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// statusStart is what every response begins with (RFC 9112 section 4).
const statusStart = "HTTP/"

// start looks at the first bytes of what should be a message.
func (t *Timeline) start(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	if side == fact.SideServer {
		return t.startResponse(h, at, p)
	}
	for len(p) > 0 && (p[0] == '\r' || p[0] == '\n') { // empty lines before a request line (RFC 9112 section 2.2)
		p = p[1:]
	}
	if len(p) == 0 {
		return nil
	}
	h.first, h.scan = at, 0
	if !httpwire.IsToken(string(p[:1])) {
		h.state = inJunk
		return p
	}
	if t.proto != "" {
		t.startRequest(h)
	}
	h.state = inHead
	return p
}

// startRequest opens the exchange of a request whose first byte was seen.
func (t *Timeline) startRequest(h *half) {
	server := &t.h1.half[fact.SideServer]
	switch o := t.awaiting(); {
	case o == nil:
	case o.unknown && !o.responding: // what was lost was no request, or its response is lost too
		t.close1(o)
	case server.lost && server.state == searching && o.reqDone: // hardly any client sends a request before the response came
		if o.x.Response.Head == nil {
			o.x.Reset = responseLost
		}
		o.respDone = true
		t.close1(o)
	}
	if len(t.h1.open) >= maxOpen {
		t.giveUpOldest()
	}
	t.report(nil)
	h.lost, h.quiet = false, false
	h.cur = t.begin(0)
	h.msg = &h.cur.x.Request
	h.msg.First = h.first
	t.h1.open = append(t.h1.open, h.cur)
}

// giveUpOldest makes room: its response would be read as that of the next one.
func (t *Timeline) giveUpOldest() {
	o := t.h1.open[0]
	o.x.Reset = "given up: more than 1000 exchanges are open"
	t.close1(o)
}

// startResponse waits until "HTTP/" is there, or cannot come any more.
func (t *Timeline) startResponse(h *half, at fact.Stamp, p []byte) []byte {
	if len(h.buf) == 0 {
		h.first, h.scan = at, 0
	}
	n := min(len(statusStart)-len(h.buf), len(p))
	if string(p[:n]) != statusStart[len(h.buf):len(h.buf)+n] {
		h.state = inJunk
		return p
	}
	if len(h.buf)+n < len(statusStart) {
		h.buf = append(h.buf, p[:n]...)
		return p[n:]
	}
	if t.proto != "" {
		t.openResponse(h, at)
	}
	h.state = inHead
	return p
}

// openResponse finds the exchange that a response belongs to.
func (t *Timeline) openResponse(h *half, at fact.Stamp) {
	h.cur = t.awaiting()
	if h.cur == nil {
		client := &t.h1.half[fact.SideClient]
		h.cur = t.begin(0)
		h.cur.reqDone, h.cur.unknown = true, true
		t.h1.open = append(t.h1.open, h.cur)
		if !client.lost {
			t.report(nil)
			t.broken(h.cur.x, fact.SideServer, at, "response before its request (RFC 9112 9.2)")
		}
	}
	h.lost, h.quiet = false, false
}

// junk gathers the start of what is no message, says so, and looks for the next one.
func (t *Timeline) junk(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	n := min(quoteLimit+1-len(h.buf), len(p))
	if lf := bytes.IndexByte(p[:n], '\n'); lf >= 0 {
		n = lf + 1
	} else if len(h.buf)+n <= quoteLimit && !h.quiet {
		h.buf = append(h.buf, p...)
		return nil
	}
	whole := append(append([]byte(nil), h.buf...), p...)
	t.tellJunk(side, h, bytes.TrimRight(whole[:len(h.buf)+n], "\r\n"))
	h.buf, h.state = h.buf[:0], searching
	return whole
}

// tellJunk says that b came where a message should begin.
func (t *Timeline) tellJunk(side fact.Side, h *half, b []byte) {
	if h.quiet {
		return
	}
	h.quiet = true
	o, what := t.awaiting(), ""
	switch {
	case side == fact.SideServer && looksSettings(b):
		what = "SETTINGS of HTTP/2 instead of a status line (RFC 9113 3.4)"
	case side == fact.SideClient:
		what = t.quoted(b) + " instead of a request line (RFC 9112 3)"
		o, h.lost = h.cur, true
	case o == nil && t.last != nil:
		what = "extra data behind the response: " + t.quoted(b) + " (RFC 9112 6.3)"
	default:
		what = t.quoted(b) + " instead of a status line (RFC 9112 4)"
	}
	switch {
	case t.proto == "":
		h.stray = strayStart{true, h.first, what}
	case o != nil:
		t.broken(o.x, side, h.first, what)
	default:
		t.broken(nil, side, h.first, what)
	}
}
