package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
)

// install makes g the graph that new exchanges take.
func (a *App) install(g *graph) {
	a.pipe.idle.Store(int64(tunnelIdle(g.cfg)))
	a.pipe.graph.Store(g)
	a.rec.Metrics().SetPool(g)
}

// tunnelIdle is the largest of the listeners' settings: a tunnel does not know its listener.
func tunnelIdle(cfg *config.Config) time.Duration {
	var d time.Duration
	for i := range cfg.Listen {
		l := cfg.Listen[i].Limits.TunnelIdle
		if l == 0 {
			return 0
		}
		d = max(d, l)
	}
	return d
}

// Reload reads the configuration again and swaps it in. After a fault everything stays as it was, and the error tells all
// of it. Open requests and connections live on.
func (a *App) Reload() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopping {
		return errors.New("reload: the gateway is stopping")
	}
	reloading()
	defer notifySystemd("READY=1")
	err := a.reloadLocked()
	a.rec.Metrics().Reloaded(err == nil, time.Now())
	if err != nil {
		n := logFaults(a.log, err)
		a.log.Error("the configuration was not taken over, the old one stays in force", "config", a.path, "faults", n, "hint", "lunette check "+a.path+" shows each in its line")
		return err
	}
	a.log.Info("configuration taken over", "config", a.path)
	return nil
}

func (a *App) reloadLocked() error {
	before := a.loaded.again() // before anything is read: what changes meanwhile is not missed
	now, err := a.replace()
	now.update(before)
	if err == nil {
		a.served = now
	} else { // the old one stays in force; a change of its files is a reason to look again as well
		now.keep(a.served, before)
	}
	a.loaded = now
	a.looked()
	return err
}

// replace reads the configuration and swaps it in. It returns what it was read from, with an error too.
func (a *App) replace() (snapshot, error) {
	cfg, faults := config.Load(a.path)
	if faults.Failed() {
		return look(config.Named(a.path)), faults
	}
	logFaults(a.log, faults) // warnings
	read := look(cfg.Files())
	old := a.pipe.graph.Load()
	g, err := a.assemble(cfg, old)
	read.add(g.inputs)
	if err == nil {
		err = a.listen(g)
	}
	if err != nil {
		g.close(old)
		return read, err
	}
	a.install(g)
	old.close(g)
	if changed := fixed(old.cfg, cfg); changed != "" {
		a.log.Warn("some settings are only read at start; restart to change them", "settings", changed)
	}
	return read, nil
}

// slow is how long rules are compiled before somebody is told what takes so long.
const slow = time.Second

// assemble is assemble of a graph that tells of it where it takes long.
func (a *App) assemble(cfg *config.Config, old *graph) (*graph, error) {
	start := time.Now()
	timer := time.AfterFunc(slow, func() {
		a.log.Info("rules are still being compiled; each set of equal rules takes a second or so", "sites", len(cfg.Sites))
	})
	g, err := assemble(cfg, a.sh, old)
	if !timer.Stop() && err == nil {
		a.log.Info("rules compiled", "programs", a.sh.rules.Sets(), "took", time.Since(start).Round(time.Millisecond))
	}
	return g, err
}

// fixed names the sections that differ and that a reload does not change.
func fixed(old, cfg *config.Config) string {
	var out []string
	for _, s := range []struct {
		name string
		a, b any
	}{{"access_log", old.AccessLog, cfg.AccessLog}, {"audit_log", old.AuditLog, cfg.AuditLog}, {"log", old.Log, cfg.Log}, {"admin", old.Admin, cfg.Admin}, {"waf_memory", old.WAFMemory, cfg.WAFMemory},
		{"incidents", old.Incidents, cfg.Incidents}, {"flight_memory", old.FlightMemory, cfg.FlightMemory}} {
		if fmt.Sprintf("%+v", s.a) != fmt.Sprintf("%+v", s.b) {
			out = append(out, s.name)
		}
	}
	return strings.Join(out, ", ")
}
