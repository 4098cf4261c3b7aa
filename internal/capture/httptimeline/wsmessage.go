package httptimeline

import (
	"encoding/binary"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// frameOver counts a frame that is whole, and a message that it ends.
func (w *wsConn) frameOver(t *Timeline, s *wsSide, side fact.Side, at fact.Stamp) {
	n := w.x.WebSocket
	switch s.op {
	case opClose:
		w.closeFrame(t, s, side, at)
	case opPing:
		n.Pings[side]++
		w.count(t, side, opPing, at, s.length)
	case opPong:
		n.Pongs[side]++
		w.count(t, side, opPong, at, s.length)
	default:
		if s.fin {
			n.Messages[side]++
			w.count(t, side, s.kind(), at, s.size)
			s.message, s.size = 0, 0
		}
	}
}

// count adds a message to the run, or ends that and begins another.
func (w *wsConn) count(t *Timeline, side fact.Side, op byte, at fact.Stamp, size int64) {
	if w.run.side != side || w.run.op != op {
		w.flush(t)
		w.run = wsRun{side: side, op: op}
	}
	w.run.count++
	w.run.bytes += size
	w.run.at = at
}

// flush tells the run.
func (w *wsConn) flush(t *Timeline) {
	r := w.run
	w.run = wsRun{}
	if r.count == 0 {
		return
	}
	name := "text"
	switch r.op {
	case opBinary:
		name = "binary"
	case opPing:
		name = "ping"
	case opPong:
		name = "pong"
	}
	t.tell(r.side, r.at, fact.Fact{Kind: fact.WebSocketMessages, Code: r.count, Size: r.bytes, Text: name})
}

// closeFrame tells the end of a side (RFC 6455 section 5.5.1).
func (w *wsConn) closeFrame(t *Timeline, s *wsSide, side fact.Side, at fact.Stamp) {
	w.flush(t)
	if s.masked {
		for i := range s.close {
			s.close[i] ^= s.mask[i&3]
		}
	}
	code, text := 1005, "" // section 7.1.5: no status code was present
	if len(s.close) >= 2 {
		code = int(binary.BigEndian.Uint16(s.close))
		text = strings.ToValidUTF8(string(s.close[2:]), "?")
		if !t.cfg.Unmask {
			text = t.mask.Text(text)
		}
	}
	if len(s.close) == 1 {
		t.broken(w.x, side, at, "WebSocket close frame of one byte (RFC 6455 5.5.1)")
	}
	s.closed = true
	w.x.WebSocket.CloseCode[side] = code
	t.tell(side, at, fact.Fact{Kind: fact.WebSocketClose, Code: code, Text: text})
}

// missing takes note of n missing bytes: within a payload the framing goes on, else it is lost.
func (w *wsConn) missing(t *Timeline, side fact.Side, at fact.Stamp, n int64) {
	s := &w.side[side]
	m := &w.x.Request
	if side == fact.SideServer {
		m = &w.x.Response
	}
	m.Missing += max(n, 1)
	switch {
	case s.lost:
	case n > 0 && s.payload && n <= s.left:
		if s.left -= n; s.left == 0 {
			s.payload, s.have = false, 0
			w.frameOver(t, s, side, at)
		}
	default:
		s.lost = true
	}
}
