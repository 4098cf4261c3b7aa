//go:build !unix

package listener

import "net"

// waiter reads the first bytes of a request. Here it holds a buffer while it waits.
type waiter struct{ nc net.Conn }

func newWaiter(nc net.Conn) *waiter { return &waiter{nc: nc} }

// read waits for the first bytes. buf goes back to the pool with putBuf by whoever takes it; it is nil with an error.
func (w *waiter) read() (buf *[]byte, n int, err error) { return w.readPlain() }
