package origin

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// health is what checks and exchanges have found out about one endpoint.
type health struct {
	down  atomic.Bool  // active checks failed Fall times in a row
	aside atomic.Int64 // unix nanoseconds until which failed exchanges keep it aside
	fails atomic.Int32 // failed exchanges in a row

	mu   sync.Mutex
	last *reason.Error // why it is down or aside
	run  int           // checks in a row with the same outcome, negative for failures
}

func (h *health) activeDown() bool { return h.down.Load() }

func (h *health) up(now time.Time) bool {
	return !h.down.Load() && now.UnixNano() >= h.aside.Load()
}

// why returns the last failure, for people; "" when there is none.
func (h *health) why() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		return ""
	}
	return string(h.last.Code) + prefixed(h.last.Detail)
}

// failed counts an attempt that the endpoint is to blame for.
func (h *health) failed(ep *endpoint, r *reason.Error, now time.Time) {
	if !blames(r.Code) {
		return
	}
	n := h.fails.Add(1)
	limit := ep.o.cfg.Health.PassiveFall
	if limit == 0 || len(ep.o.endpoints) == 1 || int(n) < limit {
		return
	}
	h.mu.Lock()
	h.last = r
	h.mu.Unlock()
	if h.aside.Swap(now.Add(ep.o.cfg.Health.Aside).UnixNano()) < now.UnixNano() {
		ep.o.observe(ep, false, r)
	}
}

func (h *health) succeeded(ep *endpoint) {
	if h.fails.Load() == 0 {
		return
	}
	h.fails.Store(0)
	if h.aside.Swap(0) != 0 && !h.down.Load() {
		ep.o.observe(ep, true, nil)
	}
}

// blames reports whether a reason speaks against the endpoint rather than against the client or ourselves.
func blames(c reason.Code) bool {
	switch c {
	case reason.ClientGone, reason.ClientSlow, reason.ClientBadRequest, reason.LimitQueueTimeout, reason.LimitNoFDs,
		reason.LimitNoPorts, reason.LimitNoMemory, reason.ReadStaleReusedConnection, reason.ReadOverTotalTime, reason.LimitBodyTooBig:
		return false
	}
	return true
}

func (o *Origin) observe(ep *endpoint, up bool, r *reason.Error) {
	if o.deps.Observer == nil {
		return
	}
	if r == nil {
		o.deps.Observer.HealthChanged(o.cfg.Name, ep.url.raw, up, nil)
		return
	}
	o.deps.Observer.HealthChanged(o.cfg.Name, ep.url.raw, up, r)
}

// watch runs the active checks of one endpoint until ctx ends.
func (ep *endpoint) watch(ctx context.Context) {
	cfg := ep.o.cfg.Health
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		r := ep.check(ctx)
		if ctx.Err() != nil {
			return
		}
		ep.judge(r)
		t.Reset(cfg.Interval)
	}
}

// judge applies rise and fall. The first check decides at once, so that a gateway starts with the truth.
func (ep *endpoint) judge(r *reason.Error) {
	h, cfg := &ep.health, ep.o.cfg.Health
	h.mu.Lock()
	first := h.run == 0
	switch {
	case r == nil && h.run > 0:
		h.run++
	case r == nil:
		h.run = 1
	case h.run < 0:
		h.run--
	default:
		h.run = -1
	}
	if r != nil {
		h.last = r
	}
	run := h.run
	h.mu.Unlock()
	was := h.down.Load()
	switch {
	case was && run >= cfg.Rise, was && first && r == nil:
		h.down.Store(false)
		h.aside.Store(0)
		ep.o.observe(ep, true, nil)
	case !was && (run <= -cfg.Fall || (first && r != nil)):
		h.down.Store(true)
		ep.o.observe(ep, false, r)
	}
}

// check makes one request on a connection of its own: a kept one would prove less.
func (ep *endpoint) check(ctx context.Context) *reason.Error {
	cfg := ep.o.cfg
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.Health.Timeout, reason.New(reason.ReadFirstByteTimeout, "health check after "+cfg.Health.Timeout.String(), nil))
	defer cancel()
	host := orString(cfg.Host, ep.url.authority())
	x := &exchange.Exchange{ID: exchange.NewID(ep.o.now()), Start: ep.o.now(), W: noWriter{}}
	req := &exchange.Request{
		Method: "GET", Target: cfg.Health.Path, Scheme: "https", Authority: host, Proto: exchange.HTTP11, Body: exchange.NoBody,
		Header: exchange.Header{{Name: "User-Agent", Value: "lunette-health"}, {Name: "Accept", Value: "*/*"}},
	}
	req.Path, req.Query, req.HasQuery = splitTarget(cfg.Health.Path)
	t := try{o: ep.o, x: x, req: req, ep: ep, fresh: true, more: true, check: true}
	resp, r := t.once(ctx)
	if r != nil {
		return r
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Status < cfg.Health.Status[0] || resp.Status > cfg.Health.Status[1] {
		return reason.New(reason.OriginHealthStatusMismatch, itoa(resp.Status), nil)
	}
	resp.Close = true
	return nil
}

func splitTarget(target string) (path, query string, has bool) {
	for i := range len(target) {
		if target[i] == '?' {
			return target[:i], target[i+1:], true
		}
	}
	return target, "", false
}
