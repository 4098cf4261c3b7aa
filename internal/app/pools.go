package app

import (
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// PoolStats implements telemetry.PoolSource.
func (g *graph) PoolStats() []telemetry.PoolStat {
	var out []telemetry.PoolStat
	seen := map[*origin.Origin]bool{}
	for i := range g.routes {
		r := &g.routes[i]
		if seen[r.origin] {
			continue
		}
		seen[r.origin] = true
		for _, s := range r.origin.Stats() {
			out = append(out, telemetry.PoolStat{Site: r.site, Route: r.path, Origin: s.URL, Idle: s.Idle, Busy: int(s.Open) - s.Idle, Up: s.Up})
		}
	}
	return out
}

// healthLog tells the operational log of health changes.
type healthLog App

// HealthChanged implements origin.Observer.
func (h *healthLog) HealthChanged(name, url string, up bool, why error) {
	if h.log == nil {
		return
	}
	if up {
		h.log.Info("origin is up again", "origin", name, "url", url)
		return
	}
	h.log.Warn("origin is left out", "origin", name, "url", url, "reason", why)
}
