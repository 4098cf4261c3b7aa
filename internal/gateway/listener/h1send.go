package listener

import (
	"net"
	"time"

	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// buf returns what is to be sent so far.
func (w *h1Writer) buf() []byte {
	if w.out == nil {
		w.out = getBuf()
	}
	return *w.out
}

func (w *h1Writer) freeOut() {
	if w.out != nil {
		putBuf(w.out)
		w.out = nil
	}
}

func (w *h1Writer) writeChunk(p []byte, last bool) error {
	var tail []byte
	if len(p) > 0 {
		*w.out = httpwire.AppendChunkSize(w.buf(), len(p))
		tail = crlf
	}
	if last {
		tail = lastChunk
		if len(p) > 0 {
			tail = crlfLastChunk
		}
	}
	return w.write(p, tail)
}

// write sends what is queued, p and tail in as few calls as it takes: one where they fit into a buffer together.
func (w *h1Writer) write(p, tail []byte) error {
	buf := w.buf()
	if len(buf)+len(p)+len(tail) <= bufSize {
		*w.out = append(append(buf, p...), tail...)
		return w.flush()
	}
	if w.h.wait != nil {
		return w.gather(buf, p, tail)
	}
	for { // TLS: whole records out of the buffer
		n := copy(buf[len(buf):bufSize], p)
		buf, p = buf[:len(buf)+n], p[n:]
		if len(p) == 0 && len(buf)+len(tail) <= bufSize {
			*w.out = append(buf, tail...)
			return w.flush()
		}
		w.h.setWrite(time.Now(), w.s.Write)
		if _, err := w.h.rw.Write(buf); err != nil {
			return w.sent(err)
		}
		buf = buf[:0]
	}
}

// maxGather is what one call sends at most, so that a deadline is about progress and not about a large p.
const maxGather = 256 << 10

// gather sends to a plain socket without copying p.
func (w *h1Writer) gather(buf, p, tail []byte) error {
	*w.out = buf[:0]
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), maxGather)
		v := net.Buffers{p[:n]}
		if first {
			v = net.Buffers{buf, p[:n]}
		}
		if p = p[n:]; len(p) == 0 && len(tail) > 0 {
			v = append(v, tail)
		}
		w.h.setWrite(time.Now(), w.s.Write)
		if _, err := v.WriteTo(w.h.rw); err != nil {
			return w.sent(err)
		}
	}
	return w.sent(nil)
}

// flush sends what is queued.
func (w *h1Writer) flush() error {
	if w.out == nil || len(*w.out) == 0 {
		w.freeOut()
		return nil
	}
	w.h.setWrite(time.Now(), w.s.Write)
	_, err := w.h.rw.Write(*w.out)
	*w.out = (*w.out)[:0]
	return w.sent(err)
}

// sent notes the outcome of a write. A client that cannot be written to is gone; one that takes nothing is slow.
func (w *h1Writer) sent(err error) error {
	if err == nil {
		if w.queued && !w.headSent {
			w.headSent = true
			w.r.x.Answer.First = time.Since(w.r.x.Start)
		}
		return nil
	}
	e := gone("while it was answered", err)
	if isTimeout(err) {
		e = reason.New(reason.ClientSlow, "takes no more of the answer", err)
	}
	w.err = e
	w.h.cancel(e)
	return e
}

// writeContinue answers Expect: 100-continue.
func (h *h1) writeContinue() error {
	h.setWrite(time.Now(), h.c.l.settings.Load().Write)
	if _, err := h.rw.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
		e := gone("before its body", err)
		h.cancel(e)
		return e
	}
	return nil
}
