package healthy

import (
	"io"
	"net"
	"sync"
	"time"
)

// pipe returns two ends of a connection with room in between, as the kernel's buffers give it.
func pipe() (near, far net.Conn) {
	a, b := newHalf(), newHalf()
	return &end{in: a, out: b}, &end{in: b, out: a}
}

// half is one direction.
type half struct {
	mu     sync.Mutex
	change *sync.Cond
	buf    []byte
	closed bool
	until  time.Time // read deadline
}

func newHalf() *half {
	h := new(half)
	h.change = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			return n, nil
		case h.closed:
			return 0, io.EOF
		case !h.until.IsZero() && !time.Now().Before(h.until):
			return 0, errTimeout{}
		}
		h.change.Wait()
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, io.ErrClosedPipe
	}
	h.buf = append(h.buf, p...)
	h.change.Broadcast()
	return len(p), nil
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.change.Broadcast()
}

func (h *half) deadline(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = at
	if !at.IsZero() {
		time.AfterFunc(time.Until(at), h.change.Broadcast)
	}
	h.change.Broadcast()
}

type errTimeout struct{}

func (errTimeout) Error() string   { return "i/o timeout" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

type end struct{ in, out *half }

func (e *end) Read(p []byte) (int, error)         { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error)        { return e.out.write(p) }
func (e *end) Close() error                       { e.in.close(); e.out.close(); return nil }
func (e *end) LocalAddr() net.Addr                { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 10), Port: 50001} }
func (e *end) RemoteAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 20), Port: 443} }
func (e *end) SetReadDeadline(at time.Time) error { e.in.deadline(at); return nil }
func (e *end) SetWriteDeadline(time.Time) error   { return nil }
func (e *end) SetDeadline(at time.Time) error     { return e.SetReadDeadline(at) }
