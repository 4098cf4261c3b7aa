//go:build unix

package listener

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// waiter reads the first bytes of a request without holding a buffer while there are none: it asks the socket, and only
// when that has something takes a buffer from the pool. The calls are those of a plain Read: one when data is there.
type waiter struct {
	raw  syscall.RawConn // nil: no such socket
	nc   net.Conn
	buf  *[]byte
	n    int
	err  error
	step func(fd uintptr) bool
}

func newWaiter(nc net.Conn) *waiter {
	w := &waiter{nc: nc}
	if sc, ok := nc.(syscall.Conn); ok {
		w.raw, _ = sc.SyscallConn()
	}
	w.step = w.try
	return w
}

func (w *waiter) try(fd uintptr) bool {
	w.buf = getBuf()
	for {
		w.n, w.err = syscall.Read(int(fd), (*w.buf)[:cap(*w.buf)])
		switch {
		case w.err == nil:
			return true
		case errors.Is(w.err, syscall.EINTR):
			continue
		case errors.Is(w.err, syscall.EAGAIN):
			putBuf(w.buf)
			w.buf, w.n = nil, 0
			return false
		}
		return true
	}
}

// read waits for the first bytes. buf goes back to the pool with putBuf by whoever takes it; it is nil with an error.
func (w *waiter) read() (buf *[]byte, n int, err error) {
	if w.raw == nil {
		return w.readPlain()
	}
	w.buf, w.n, w.err = nil, 0, nil
	if err = w.raw.Read(w.step); err == nil {
		err = w.err
		if err != nil {
			err = os.NewSyscallError("read", err)
		} else if w.n <= 0 {
			err = io.EOF
		}
	}
	buf, n = w.buf, w.n
	w.buf = nil
	if err != nil {
		if buf != nil {
			putBuf(buf)
		}
		return nil, 0, err
	}
	return buf, n, nil
}
