//go:build unix

package origin

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// liveness asks the kernel whether an idle connection has something to read: an end, a reset, an alert, a HelloRequest
// or stray bytes. Any of them makes it useless.
type liveness struct {
	rc    syscall.RawConn
	quiet bool
	ask   func(fd uintptr)
	fds   [1]unix.PollFd
}

func (l *liveness) init(c *net.TCPConn) {
	rc, err := c.SyscallConn()
	if err != nil {
		return
	}
	l.rc = rc
	l.ask = func(fd uintptr) {
		l.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, err := unix.Poll(l.fds[:], 0)
		for err == unix.EINTR { // the runtime's own signals
			n, err = unix.Poll(l.fds[:], 0)
		}
		l.quiet = err == nil && n == 0
	}
}

// ended reports whether the peer has closed or reset the connection. It takes what arrived before that off the socket.
func (l *liveness) ended() (yes bool) {
	if l.rc == nil {
		return false
	}
	var buf [512]byte
	err := l.rc.Control(func(fd uintptr) {
		for range 8 {
			switch n, err := unix.Read(int(fd), buf[:]); {
			case err == unix.EINTR:
			case err != nil:
				yes = err != unix.EAGAIN
				return
			case n == 0:
				yes = true
				return
			}
		}
	})
	return yes && err == nil
}

// ok reports whether nothing has arrived.
func (l *liveness) ok() bool {
	if l.rc == nil {
		return true
	}
	l.quiet = false
	return l.rc.Control(l.ask) == nil && l.quiet
}
