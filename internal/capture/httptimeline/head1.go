package httptimeline

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// HeadEnd returns how many bytes of b a head takes, 0 when its empty line has not come; *scan remembers what was searched.
func HeadEnd(b []byte, scan *int) int {
	for i := *scan; ; {
		lf := bytes.IndexByte(b[i:], '\n')
		if lf < 0 {
			*scan = len(b)
			return 0
		}
		i += lf
		switch rest := b[i+1:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 2
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 3
		case len(rest) == 0, len(rest) == 1 && rest[0] == '\r':
			*scan = i
			return 0
		}
		i++
	}
}

// headBytes gathers a head.
func (t *Timeline) headBytes(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	if len(h.buf) == 0 {
		h.scan = 0
		if n := HeadEnd(p[:min(len(p), maxHead)], &h.scan); n > 0 {
			if t.proto == "" && notHTTP(p[:n], side == fact.SideServer) {
				h.state = inJunk
				return p
			}
			t.headOver(side, h, at, p[:n], false)
			return p[n:]
		}
	}
	old := len(h.buf)
	n := min(maxHead-old, len(p))
	h.buf = append(h.buf, p[:n]...)
	if side == fact.SideServer && h.cur != nil && len(h.buf) > 9 && h.buf[8] == ' ' && h.buf[9] >= '2' && h.buf[9] <= '9' {
		t.firstByte(h.cur, h.first)
	}
	if t.proto == "" && notHTTP(h.buf, side == fact.SideServer) {
		h.state = inJunk
		return t.again(h, p[n:])
	}
	if end := HeadEnd(h.buf, &h.scan); end > 0 {
		t.headOver(side, h, at, h.buf[:end], false)
		h.buf = trimmed(h.buf)
		return p[end-old:]
	}
	if len(h.buf) == maxHead {
		t.headTooBig(side, h, at)
	}
	return p[n:]
}

// trimmed empties a buffer, and lets go of one that was large for once.
func trimmed(b []byte) []byte {
	if cap(b) > 32<<10 {
		return nil
	}
	return b[:0]
}

// again returns the bytes of h.buf and those after them, to be read once more in another state.
func (t *Timeline) again(h *half, p []byte) []byte {
	whole := append(append([]byte(nil), h.buf...), p...)
	h.buf = h.buf[:0]
	return whole
}

// headTooBig reads what is there of a head and looks for the next message.
func (t *Timeline) headTooBig(side fact.Side, h *half, at fact.Stamp) {
	b := h.buf
	h.buf = nil
	t.headOver(side, h, at, b, true)
	var x *Exchange
	if h.cur != nil {
		x = h.cur.x
	}
	t.broken(x, side, at, "head over "+strconv.Itoa(maxHead)+" bytes: not read any further (RFC 9110 5.4)")
}

// notHTTP reports whether b, the first that was seen of a side, cannot begin a message: its first line is over and has no version.
func notHTTP(b []byte, response bool) bool {
	line, _, whole := bytes.Cut(b, []byte("\n"))
	if response {
		return false // it begins with HTTP/
	}
	return whole && !bytes.Contains(line, []byte(" HTTP/")) && !bytes.HasPrefix(line, []byte("GET /")) || len(line) > maxTarget
}

// maxTarget bounds the request line of the first request.
const maxTarget = 32 << 10

// headOver reads the head in b. partial says that bytes of it are missing: then the body's end is not known either.
func (t *Timeline) headOver(side fact.Side, h *half, at fact.Stamp, b []byte, partial bool) {
	response := side == fact.SideServer
	if !t.raw.parse(string(b), response) || t.proto == "" && !response && notHTTP(b, false) {
		line, _, _ := bytes.Cut(b, []byte("\n"))
		h.state = searching
		t.tellJunk(side, h, bytes.TrimRight(line, "\r"))
		if h.cur != nil && !response {
			t.messageOver(side, h, at, false)
			h.state = searching
		}
		h.cur, h.msg = nil, nil
		return
	}
	t.speaks(side, h, at)
	t.raw.control()
	if response {
		t.responseHead(h, at, b, partial)
	} else {
		t.requestHead(h, at, b, partial)
	}
}

// speaks notes that a head was read: from the first one on, this is HTTP.
func (t *Timeline) speaks(side fact.Side, h *half, at fact.Stamp) {
	first := t.proto == ""
	if first {
		t.proto = "HTTP/1.1"
		if t.raw.version == "HTTP/1.0" || t.raw.version == "" {
			t.proto = "HTTP/1.0"
		}
	}
	if h.cur == nil && side == fact.SideClient {
		t.startRequest(h)
	} else if h.cur == nil {
		t.openResponse(h, at)
	}
	if other := &t.h1.half[side.Other()]; first && other.stray.seen && !other.lost {
		t.broken(h.cur.x, side.Other(), other.stray.at, other.stray.text)
	}
}

// scheme is that of the requests on this connection.
func (t *Timeline) scheme() string {
	if t.cfg.Secure {
		return "https"
	}
	return "http"
}

// version is the protocol of a head, for display.
func (r *rawHead) proto() string {
	if r.version == "" {
		return "HTTP/0.9"
	}
	return strings.ToValidUTF8(r.version[:min(len(r.version), 16)], "?")
}
