package listener

import (
	"context"
	"sync"
)

// connContext is the context of an HTTP/1.1 connection. It takes one function at a time to be called at its end without
// using memory for it, as every request of the connection registers one: see context.AfterFunc, whose protocol
// for foreign contexts this is.
type connContext struct {
	context.Context
	stop func() bool // c.withdraw, made a value once

	mu    sync.Mutex
	armed bool   // fire is registered with Context
	fired bool   // Context has ended
	fn    func() // nil while nothing is registered
}

func newConnContext(parent context.Context) (*connContext, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	c := &connContext{Context: ctx}
	c.stop = c.withdraw
	return c, cancel
}

// AfterFunc is context.AfterFunc for c.
func (c *connContext) AfterFunc(fn func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fn != nil || c.fired:
		return context.AfterFunc(c.Context, fn)
	case !c.armed:
		c.armed = true
		context.AfterFunc(c.Context, c.fire)
	}
	c.fn = fn
	return c.stop
}

func (c *connContext) fire() {
	c.mu.Lock()
	fn := c.fn
	c.fn, c.fired = nil, true
	c.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// withdraw reports whether fn will not be called any more because of it.
func (c *connContext) withdraw() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok := c.fn != nil
	c.fn = nil
	return ok
}
