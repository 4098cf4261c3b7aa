package httptimeline

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/fact"
)

// maxChunkLine bounds the line of a chunk size with its extensions.
const maxChunkLine = 16 << 10

// chunkFraming reads what stands between the chunks of a body (RFC 9112 section 7.1).
func (t *Timeline) chunkFraming(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	h.msg.Last = at
	if h.state == inTrailer {
		return t.trailer(side, h, at, p)
	}
	line, rest := h.line(p)
	switch {
	case line == nil && len(h.buf) < maxChunkLine && (h.state == inChunkSize || len(h.buf) < 2 && (len(h.buf) == 0 || h.buf[0] == '\r')):
		return nil
	case line == nil:
		line = h.buf
	}
	if h.state == inChunkEnd {
		return t.chunkEnd(side, h, at, line, rest)
	}
	size, ok := chunkSize(line)
	switch {
	case !ok:
		return t.lostFraming(side, h, at, line, rest, t.quoted(bytes.TrimRight(line, "\r\n"))+" instead of a chunk size")
	case !bytes.HasSuffix(line, []byte("\r\n")):
		t.broken(h.cur.x, side, at, "bare LF behind a chunk size (RFC 9112 2.2, 7.1)")
	}
	h.buf = h.buf[:0]
	h.left, h.state = size, inChunkData
	if size == 0 {
		h.state = inTrailer
	}
	return rest
}

// line returns the line at the start of h.buf and p, its LF included, and what follows; nil when its end has not come: then
// h.buf holds what there is.
func (h *half) line(p []byte) (line, rest []byte) {
	lf := bytes.IndexByte(p, '\n')
	switch {
	case lf >= 0 && len(h.buf) == 0 && lf < maxChunkLine:
		return p[:lf+1], p[lf+1:]
	case lf >= 0 && len(h.buf)+lf < maxChunkLine:
		h.buf = append(h.buf, p[:lf+1]...)
		return h.buf, p[lf+1:]
	}
	n := min(maxChunkLine-len(h.buf), len(p))
	h.buf = append(h.buf, p[:n]...)
	return nil, p[n:]
}

// chunkSize reads "1a3;name=value"; whitespace around the number is let pass.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.Trim(digits, " \t\r\n")
	n := int64(0)
	for _, c := range digits {
		switch {
		case n >= 1<<58:
			return 0, false
		case c >= '0' && c <= '9':
			n = n<<4 | int64(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int64(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, len(digits) > 0
}

// chunkEnd reads the CRLF behind the data of a chunk.
func (t *Timeline) chunkEnd(side fact.Side, h *half, at fact.Stamp, line, rest []byte) []byte {
	switch string(line) {
	case "\r\n":
	case "\n":
		t.broken(h.cur.x, side, at, "bare LF behind the data of a chunk (RFC 9112 2.2, 7.1)")
	default:
		wrong := line[:1]
		if line[0] == '\r' {
			wrong = line[1:2]
		}
		return t.lostFraming(side, h, at, line, rest, quote(wrong)+" behind the data of a chunk, not CRLF")
	}
	h.buf, h.state = h.buf[:0], inChunkSize
	return rest
}

// lostFraming gives a chunked body up and looks for the next message in line and rest.
func (t *Timeline) lostFraming(side fact.Side, h *half, at fact.Stamp, line, rest []byte, what string) []byte {
	whole := append(append([]byte(nil), line...), rest...)
	h.buf = h.buf[:0]
	if h.lost { // the number of missing bytes was a guess
		h.state, h.quiet = searching, true
		return whole
	}
	t.broken(h.cur.x, side, at, what+": not read any further (RFC 9112 7.1)")
	t.messageOver(side, h, at, false)
	h.state, h.quiet = searching, true
	return whole
}

// trailer reads the trailer section (RFC 9112 section 7.1.2).
func (t *Timeline) trailer(side fact.Side, h *half, at fact.Stamp, p []byte) []byte {
	old := len(h.buf)
	if old == 0 {
		h.scan = 0
		if bytes.HasPrefix(p, []byte("\r\n")) {
			t.messageOver(side, h, at, true)
			return p[2:]
		}
	}
	n := min(maxHead-old, len(p))
	h.buf = append(h.buf, p[:n]...)
	end := 0
	switch {
	case h.buf[0] == '\n':
		end = 1
		t.broken(h.cur.x, side, at, "bare LF ends the trailer section (RFC 9112 2.2, 7.1)")
	case bytes.HasPrefix(h.buf, []byte("\r\n")):
		end = 2
	default:
		end = HeadEnd(h.buf, &h.scan)
	}
	switch {
	case end > 0:
		t.raw = rawHead{fields: t.raw.fields[:0]}
		t.raw.lines(string(h.buf[:end]))
		h.msg.Trailers = t.shown(t.raw.fields)
		h.buf = h.buf[:0]
		t.messageOver(side, h, at, true)
		return p[end-old:]
	case len(h.buf) == maxHead:
		return t.lostFraming(side, h, at, nil, p[n:], "trailer section too large")
	}
	return p[n:]
}
