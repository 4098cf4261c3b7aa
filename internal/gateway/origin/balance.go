package origin

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// hashSeed is fixed for the life of the process: a client keeps its URL across reloads.
var hashSeed = maphash.MakeSeed()

// pick chooses the endpoint for the next attempt, leaving out those that failed in this exchange while others are left.
func (o *Origin) pick(x *exchange.Exchange, failed []*endpoint) (*endpoint, *reason.Error) {
	if len(o.endpoints) == 1 {
		ep := o.endpoints[0]
		if ep.health.activeDown() {
			return nil, reason.New(reason.ConfigAllOriginsDown, "health check: "+ep.health.why(), nil)
		}
		return ep, nil
	}
	var room [8]*endpoint
	usable := room[:0]
	now := o.now()
	for _, ep := range o.endpoints {
		if ep.health.up(now) && !slices.Contains(failed, ep) {
			usable = append(usable, ep)
		}
	}
	if len(usable) == 0 { // those put aside for failed exchanges are better than none
		for _, ep := range o.endpoints {
			if !ep.health.activeDown() && !slices.Contains(failed, ep) {
				usable = append(usable, ep)
			}
		}
	}
	if len(usable) == 0 {
		return nil, reason.New(reason.ConfigAllOriginsDown, o.downDetail(), nil)
	}
	switch o.cfg.Balance {
	case "least_conn":
		return leastConn(usable, o.next.Add(1)), nil
	case "hash":
		return rendezvous(usable, o.hashKey(x)), nil
	}
	return usable[o.next.Add(1)%uint64(len(usable))], nil
}

func (o *Origin) downDetail() string {
	var parts []string
	for _, ep := range o.endpoints[:min(len(o.endpoints), 4)] {
		parts = append(parts, ep.url.authority()+" "+orString(ep.health.why(), "failed in this exchange"))
	}
	return strings.Join(parts, ", ")
}

// leastConn prefers the fewest running exchanges; ties rotate.
func leastConn(eps []*endpoint, turn uint64) *endpoint {
	best := eps[turn%uint64(len(eps))]
	for _, ep := range eps {
		if ep.inflight.Load() < best.inflight.Load() {
			best = ep
		}
	}
	return best
}

// rendezvous hashing moves only the keys of an endpoint that comes or goes.
func rendezvous(eps []*endpoint, key string) *endpoint {
	var best *endpoint
	var top uint64
	for _, ep := range eps {
		var h maphash.Hash
		h.SetSeed(hashSeed)
		_, _ = h.WriteString(ep.url.raw)
		_ = h.WriteByte(0)
		_, _ = h.WriteString(key)
		if s := h.Sum64(); best == nil || s > top {
			best, top = ep, s
		}
	}
	return best
}

func (o *Origin) hashKey(x *exchange.Exchange) string {
	kind, name, _ := strings.Cut(o.cfg.HashKey, ":")
	switch kind {
	case "path":
		return x.Request.Path
	case "header":
		return x.Request.Header.Get(name)
	case "cookie":
		return cookie(x.Request.Header, name)
	}
	return x.Address().String()
}

// cookie returns the value of the first cookie called name (RFC 6265 section 4.2.1).
func cookie(h exchange.Header, name string) string {
	for i := range h {
		if !exchange.EqualFold(h[i].Name, "Cookie") {
			continue
		}
		for part := range strings.SplitSeq(h[i].Value, ";") {
			if n, v, ok := strings.Cut(strings.TrimLeft(part, " "), "="); ok && n == name {
				return v
			}
		}
	}
	return ""
}
