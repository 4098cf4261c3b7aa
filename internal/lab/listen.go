package lab

import (
	"context"
	"net"
	"sync"
)

// unheard is a listener of which no connection ever comes up.
type unheard struct {
	addr net.Addr
	once sync.Once
	done chan struct{}
	end  func()
}

func newUnheard(addr net.Addr, end func()) *unheard {
	return &unheard{addr: addr, done: make(chan struct{}), end: end}
}

// Accept waits for the end.
func (u *unheard) Accept() (net.Conn, error) { <-u.done; return nil, net.ErrClosed }

// Close ends it.
func (u *unheard) Close() error { u.once.Do(func() { close(u.done); u.end() }); return nil }

// Addr is where nobody answers.
func (u *unheard) Addr() net.Addr { return u.addr }

// closedPort holds a port that nobody listens on: it is the near end of a connection, so that nobody else gets it meanwhile.
func closedPort(ctx context.Context) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	return newUnheard(nc.LocalAddr(), func() { _ = nc.Close(); _ = ln.Close() }), nil
}
