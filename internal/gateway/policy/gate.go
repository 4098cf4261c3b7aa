package policy

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Gate lets only so many large bodies be inspected at once, over all stages that share it. Rules keep a processor busy
// and several copies of a body in memory: more of them at once than processors would slow each other until all overrun
// their budget, and take memory as many clients please. Small bodies do not wait. A nil Gate is open.
//
// What the rules have read stays in the engine's memory until the exchange is over, which a slow origin decides. So the
// bytes are bounded apart from the slots, and given back by End.
type Gate struct {
	slots chan struct{}
	bytes *semaphore.Weighted
	total int64
	wait  time.Duration
}

const (
	gateSize = 64 << 10 // bytes of a body from which it waits
	gateWait = 30 * time.Second
	gateMin  = 1 << 20 // bytes of bodies that a gate lets be held, at least
)

// NewGate returns a gate for n bodies at once, at least one, and for so many bytes of bodies between the start of their
// inspection and the end of their exchange, at least 1 MiB. Further ones wait in turn for at most 30 s, which does not
// count as time of the rules; then the inspection counts as failed.
func NewGate(n int, bytes int64) *Gate {
	bytes = max(bytes, gateMin)
	return &Gate{slots: make(chan struct{}, max(n, 1)), bytes: semaphore.NewWeighted(bytes), total: bytes, wait: gateWait}
}

// hold waits until size more bytes may lie in the engine's memory. release must be called at the end of the exchange.
func (g *Gate) hold(ctx context.Context, size int64) (release func(), err *reason.Error) {
	if g == nil || size < gateSize {
		return func() {}, nil
	}
	size = min(size, g.total) // a larger one has it all to itself
	waiting, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	if g.bytes.Acquire(waiting, size) == nil {
		return func() { g.bytes.Release(size) }, nil
	}
	if ctx.Err() != nil {
		return nil, asReason(context.Cause(ctx), reason.ClientGone)
	}
	return nil, reason.New(reason.WAFTimeout, "the memory for bodies in inspection was taken for "+g.wait.String(), nil)
}

// enter waits for room for a body of size bytes. leave must be called when it returns nil.
func (g *Gate) enter(ctx context.Context, size int64) (leave func(), err *reason.Error) {
	if g == nil || size < gateSize {
		return func() {}, nil
	}
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	default:
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	case <-timer.C:
		return nil, reason.New(reason.WAFTimeout, "rules were busy with other large bodies for "+g.wait.String(), nil)
	case <-ctx.Done():
		return nil, asReason(context.Cause(ctx), reason.ClientGone)
	}
}

func (g *Gate) leave() { <-g.slots }
