package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
		a.log.Error("the configuration was not taken over, the old one stays in force", "config", a.path, "error", err)
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
	}{{"access_log", old.AccessLog, cfg.AccessLog}, {"log", old.Log, cfg.Log}, {"admin", old.Admin, cfg.Admin}} {
		if fmt.Sprintf("%+v", s.a) != fmt.Sprintf("%+v", s.b) {
			out = append(out, s.name)
		}
	}
	return strings.Join(out, ", ")
}

// watch reloads when a file of the configuration changes, until ctx ends. Folders are watched, because files are
// replaced by renaming; what counts is whether the content's signature changed.
func (a *App) watch(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		a.log.Warn("files are not watched; reload with SIGHUP", "error", err)
		return
	}
	defer func() { _ = w.Close() }()
	last := a.loaded // what New has read: a change since then counts
	a.observe(w)
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-w.Errors:
			a.log.Warn("watching files", "error", err)
		case <-w.Events:
			quiet.Reset(settle)
		case <-quiet.C:
			// Signed before it is read, and until nothing is new: what changes meanwhile, or comes to the set of files
			// by the change, is not missed.
			for now := a.signed(); now != last; now = a.signed() {
				last = now
				_ = a.Reload() // the log has it
				a.observe(w)
			}
		}
	}
}

// signed is the signature of the files of the configuration in force.
func (a *App) signed() string { return signature(a.pipe.graph.Load().cfg.Files()) }

// observe watches the folders of the configuration in force.
func (a *App) observe(w *fsnotify.Watcher) {
	for _, dir := range a.pipe.graph.Load().cfg.Folders() {
		if err := w.Add(dir); err != nil {
			a.log.Warn("folder is not watched; reload with SIGHUP after a change", "folder", dir, "error", err)
		}
	}
}

// signature changes when one of the files does.
func signature(files []string) string {
	var b strings.Builder
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			_, _ = io.WriteString(&b, filepath.Base(f)+" absent\n")
			continue
		}
		_, _ = fmt.Fprintf(&b, "%s %d %d\n", f, st.Size(), st.ModTime().UnixNano())
	}
	return b.String()
}
