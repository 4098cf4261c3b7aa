package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/lunette-waf/lunette/internal/config"
)

// settle is how long files must be quiet before a change of them is read.
const settle = 250 * time.Millisecond

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
	cfg, faults := config.Load(a.path)
	if faults.Failed() {
		return faults
	}
	logFaults(a.log, faults) // warnings
	old := a.pipe.graph.Load()
	g, err := build(cfg, a.sh, old)
	if err != nil {
		return err
	}
	if err := a.listen(g); err != nil {
		g.close(old)
		return err
	}
	a.install(g)
	old.close(g)
	if changed := fixed(old.cfg, cfg); changed != "" {
		a.log.Warn("some settings are only read at start; restart to change them", "settings", changed)
	}
	return nil
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

// watch reloads when a file of the configuration changes, until ctx ends. Folders are watched, because files are
// replaced by renaming; what counts is whether the files themselves have changed, and are quiet since. Other files of
// the folder, such as a busy log, neither trigger a reload nor put one off.
func (a *App) watch(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		a.log.Warn("files are not watched; reload with SIGHUP", "error", err)
		return
	}
	defer func() { _ = w.Close() }()
	last := a.loaded // what New has read: a change since then counts
	seen := last     // at the last look
	a.observe(w)
	quiet, waiting := time.NewTimer(settle), true
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-w.Errors:
			a.log.Warn("watching files", "error", err)
		case <-w.Events:
			if !waiting {
				quiet.Reset(settle)
				waiting = true
			}
		case <-quiet.C:
			now := a.observe(w)
			if waiting = !now.same(last); !waiting {
				continue
			}
			if now.same(seen) { // taken before it is read: what changes meanwhile is not missed
				last = now
				_ = a.Reload() // the log has it
			}
			seen = now
			quiet.Reset(settle) // to be quiet first, or for files that the change has brought in
		}
	}
}

// observe watches the folders of the configuration in force and looks at its files.
func (a *App) observe(w *fsnotify.Watcher) snapshot {
	cfg := a.pipe.graph.Load().cfg
	for _, dir := range cfg.Folders() {
		if err := w.Add(dir); err != nil {
			a.log.Warn("folder is not watched; reload with SIGHUP after a change", "folder", dir, "error", err)
		}
	}
	return look(cfg.Files())
}

// snapshot is what files were at one time; nil for one that was not there.
type snapshot map[string]os.FileInfo

func look(files []string) snapshot {
	s := make(snapshot, len(files))
	for _, f := range files {
		s[f], _ = os.Stat(f)
	}
	return s
}

// same reports whether nothing has changed. Size and time alone do not tell: the clock of files ticks every few
// milliseconds, and a renamed file may be just as long.
func (s snapshot) same(o snapshot) bool {
	return maps.EqualFunc(s, o, func(a, b os.FileInfo) bool {
		if a == nil || b == nil {
			return a == nil && b == nil
		}
		return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
	})
}
