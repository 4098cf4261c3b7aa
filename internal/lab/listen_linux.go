package lab

import (
	"context"
	"net"
	"syscall"
	"time"
)

// fullQueue listens with the shortest accept queue, fills it and accepts nobody: the kernel then drops what arrives.
func fullQueue(ctx context.Context) (net.Listener, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var held []net.Conn
	end := func() {
		for _, c := range held {
			_ = c.Close()
		}
		_ = ln.Close()
	}
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err == nil {
		var shrink error
		err = raw.Control(func(fd uintptr) { shrink = syscall.Listen(int(fd), 0) })
		if err == nil {
			err = shrink
		}
	}
	if err != nil {
		end()
		return nil, err
	}
	for range 16 {
		d := net.Dialer{Timeout: 200 * time.Millisecond}
		c, err := d.DialContext(ctx, "tcp", ln.Addr().String())
		if err != nil {
			break
		}
		held = append(held, c)
	}
	return newUnheard(ln.Addr(), end), nil
}
