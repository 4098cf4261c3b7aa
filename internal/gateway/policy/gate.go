package policy

import (
	"context"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Gate lets only so many large bodies be inspected at once, over all stages that share it. Rules keep a processor busy
// and several copies of a body in memory: more of them at once than processors would slow each other until all overrun
// their budget, and take memory as many clients please. Small bodies do not wait. A nil Gate is open.
type Gate struct {
	slots chan struct{}
	wait  time.Duration
}

const (
	gateSize = 64 << 10 // bytes of a body from which it waits
	gateWait = 30 * time.Second
)

// NewGate returns a gate for n bodies at once, at least one. Further ones wait in turn for at most 30 s, which does not
// count as time of the rules; then the inspection counts as failed.
func NewGate(n int) *Gate { return &Gate{slots: make(chan struct{}, max(n, 1)), wait: gateWait} }

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
