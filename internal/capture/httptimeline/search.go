package httptimeline

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/fact"
)

// The search for the start of a message, behind bytes that are lost or are no HTTP.
const (
	searchStep = 16 << 10 // bytes looked at in one go
	statusKeep = 12       // one less than "HTTP/1.1 200 "
	lineKeep   = 4 << 10  // how far behind its version a request line may begin
)

// lastChunk ends a chunked body whose framing is lost, behind the data of the chunk before.
var lastChunk = [...]byte{'\r', '\n', '0', '\r', '\n', '\r', '\n'}

// search looks for the start of a message in h.buf and p.
func (t *Timeline) search(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	n, old := min(len(p), searchStep), max(len(h.buf)-statusKeep, 0)
	h.buf = append(h.buf, p[:n]...)
	from, found, keep := 0, false, statusKeep
	if side == fact.SideServer {
		from, found = findStatus(h.buf, old)
	} else {
		from, found = findRequest(h.buf, old)
		keep = lineKeep + statusKeep
	}
	if h.cur != nil {
		if end := bytes.Index(h.buf[old:], lastChunk[:]); end >= 0 && (!found || old+end < from) {
			end += old
			h.msg.Last = at
			t.messageOver(side, h, at, false)
			h.quiet = true
			return h.reread(end+len(lastChunk), p[n:])
		}
	}
	if found {
		if h.cur != nil {
			t.messageOver(side, h, at, false)
		}
		h.state, h.quiet = atStart, true
		return h.reread(from, p[n:])
	}
	if len(h.buf) > keep {
		h.buf = h.buf[:copy(h.buf, h.buf[len(h.buf)-keep:])]
	}
	return p[n:]
}

// reread returns h.buf from an offset on and p, to be read once more.
func (h *half) reread(from int, p []byte) []byte {
	whole := append(append([]byte(nil), h.buf[from:]...), p...)
	h.buf = h.buf[:0]
	return whole
}

// findStatus finds "HTTP/1.1 200" and the byte behind it in b[from:].
func findStatus(b []byte, from int) (int, bool) {
	for {
		i := bytes.Index(b[from:], []byte("HTTP/1."))
		if i < 0 || len(b)-from-i < statusKeep+1 {
			return 0, false
		}
		from += i
		if s := b[from+7:]; (s[0] == '0' || s[0] == '1') && s[1] == ' ' && s[2] >= '1' && s[2] <= '5' && digit(s[3]) && digit(s[4]) && s[5] <= ' ' {
			return from, true
		}
		from++
	}
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// findRequest finds a request line: the end of it in b[from:], and from there back to its method.
func findRequest(b []byte, from int) (int, bool) {
	const version = " HTTP/1."
	for {
		i := bytes.Index(b[from:], []byte(version))
		if i < 0 || len(b)-from-i < len(version)+2 {
			return 0, false
		}
		i += from
		from = i + 1
		if s := b[i+len(version):]; s[0] != '0' && s[0] != '1' || s[1] != '\r' && s[1] != '\n' {
			continue
		}
		if start, ok := methodBefore(b[:i]); ok {
			return start, true
		}
	}
}

// methodBefore finds the method in what stands before the version of a request line.
func methodBefore(b []byte) (int, bool) {
	if skip := len(b) - lineKeep; skip > 0 {
		start, ok := methodBefore(b[skip:])
		return start + skip, ok
	}
	if lf := bytes.LastIndexByte(b, '\n'); lf >= 0 {
		start, ok := methodBefore(b[lf+1:])
		return start + lf + 1, ok
	}
	sp := bytes.LastIndexByte(b, ' ')
	if sp < 3 || sp == len(b)-1 {
		return 0, false
	}
	start := sp
	for start > 0 && sp-start < 20 && b[start-1] >= 'A' && b[start-1] <= 'Z' {
		start--
	}
	for _, known := range [...]string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"} {
		if bytes.HasSuffix(b[start:sp], []byte(known)) {
			return sp - len(known), true
		}
	}
	return start, sp-start >= 3
}
