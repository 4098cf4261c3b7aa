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

// ok reports whether nothing has arrived.
func (l *liveness) ok() bool {
	if l.rc == nil {
		return true
	}
	l.quiet = false
	return l.rc.Control(l.ask) == nil && l.quiet
}
