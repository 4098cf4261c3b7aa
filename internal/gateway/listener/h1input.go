package listener

import (
	"bytes"
	"time"
)

// await waits for the first byte of a request; false when the connection is to end.
func (h *h1) await(s *Settings) (time.Time, bool) {
	if !h.c.idle() {
		return time.Time{}, false
	}
	h.phase = phaseIdle
	h.line = -min(h.in.Buffered(), 1)
	if len(h.pending) == 0 && h.in.Buffered() == 0 {
		h.in.Release()
		h.setRead(time.Now(), s.Idle)
		if err := h.fill(); err != nil {
			return time.Time{}, false
		}
	}
	h.phase = phaseHead
	return time.Now(), h.c.busy()
}

// fill reads the first bytes of a request into pending.
func (h *h1) fill() error {
	if h.wait == nil { // TLS: one byte of ours waits; the record's rest stays inside crypto/tls until it is asked for
		if h.feed != nil && h.whole && h.feed.clean() {
			if err := h.feed.fill(); err != nil {
				return err
			}
		}
		n, err := h.take(h.first[:])
		h.pending = h.first[:n]
		if n > 0 {
			return nil
		}
		return err
	}
	buf, n, err := h.wait.read()
	if err != nil {
		return err
	}
	h.held, h.pending = buf, (*buf)[:n]
	return nil
}

// Read is the input of the parser: first what was read already, then the socket under the deadline of the phase.
func (h *h1) Read(p []byte) (int, error) {
	if n := len(h.pending); n > 0 {
		if h.wait == nil && n == 1 && len(p) > 1 {
			p[0] = h.pending[0]
			h.pending = nil
			n, _ := h.take(p[1:]) // an error will be there again
			h.see(p[:n+1])
			return n + 1, nil
		}
		n = copy(p, h.pending)
		if h.pending = h.pending[n:]; len(h.pending) == 0 {
			h.free()
		}
		h.see(p[:n])
		return n, nil
	}
	s := h.c.l.settings.Load()
	switch h.phase {
	case phaseHead: // the first bytes were no whole head: from here on its time runs
		h.phase = phaseHeadTimed
		h.readUntil = time.Time{}
		h.setRead(time.Now(), s.Header)
	case phaseBody:
		h.setRead(time.Now(), s.BodyIdle)
	}
	n, err := h.take(p)
	h.see(p[:n])
	return n, err
}

// take reads from the socket or from TLS, which gives less than was asked for when it has no more.
func (h *h1) take(p []byte) (int, error) {
	n, err := h.rw.Read(p)
	h.whole = n < len(p)
	return n, err
}

// see notes whether the request line has ended.
func (h *h1) see(p []byte) {
	if h.line < 0 {
		return
	}
	if i := bytes.IndexByte(p, '\n'); i >= 0 && h.line+i < h.c.l.settings.Load().LineBytes+2 {
		h.line = -1
		return
	}
	h.line += len(p)
}

// free gives the pooled buffer under pending back.
func (h *h1) free() {
	h.pending = nil
	if h.held != nil {
		putBuf(h.held)
		h.held = nil
	}
}

// setRead sets the read deadline d from now. One that lies a little later already is left: setting it costs more than
// it is worth, so a deadline may come up to a quarter late.
func (h *h1) setRead(now time.Time, d time.Duration) {
	if d < 0 {
		h.readUntil = time.Time{}
		_ = h.rw.SetReadDeadline(time.Time{})
		return
	}
	if left := h.readUntil.Sub(now); left >= d && left <= d+d/4 {
		return
	}
	h.readUntil = now.Add(d + d/4)
	_ = h.rw.SetReadDeadline(h.readUntil)
}

// setWrite sets the write deadline likewise.
func (h *h1) setWrite(now time.Time, d time.Duration) {
	if d < 0 {
		return
	}
	if left := h.writeUntil.Sub(now); left >= d && left <= d+d/4 {
		return
	}
	h.writeUntil = now.Add(d + d/4)
	_ = h.rw.SetWriteDeadline(h.writeUntil)
}
