package origin

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// addresses resolves the endpoint's host and orders the answer: what failed recently or in this exchange comes last.
func (d *dialer) addresses(ctx context.Context) ([]netip.Addr, *reason.Error) {
	if d.ep.url.ip.IsValid() {
		d.a.DNS = 0
		return []netip.Addr{d.ep.url.ip}, nil
	}
	start := d.o.now()
	if t := d.o.cfg.Timeouts.DNS; t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	addrs, cached, err := d.o.resolver.lookup(ctx, d.ep.url.host)
	d.a.DNS = d.o.now().Sub(start)
	if err != nil {
		r := reason.Of(err)
		if r.Code == reason.DNSTimeout && isTimeout(ctx.Err()) { // else a query's own patience
			r = reason.New(r.Code, timeout(d.o.cfg.Timeouts.DNS, "dns")+prefixed(r.Detail), r.Err)
		}
		d.noteLookups(string(r.Code))
		return nil, r
	}
	d.cached = cached
	if cached {
		d.a.DNS = 0
	} else {
		d.noteLookups("")
	}
	return d.ep.order(addrs, d.tried, d.o.now()), nil
}

// order puts the addresses that are worth trying first.
func (ep *endpoint) order(addrs, tried []netip.Addr, now time.Time) []netip.Addr {
	if len(addrs) < 2 {
		return addrs
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	rank := func(a netip.Addr) int {
		switch {
		case slices.Contains(tried, a):
			return 2
		case now.Before(ep.badAddr[a]):
			return 1
		}
		return 0
	}
	out := slices.Clone(addrs)
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	return out
}

func (ep *endpoint) penalise(a netip.Addr, now time.Time) {
	ep.mu.Lock()
	if len(ep.badAddr) > 4*maxAddrs {
		clear(ep.badAddr)
	}
	ep.badAddr[a] = now.Add(addrPenalty)
	ep.mu.Unlock()
}
