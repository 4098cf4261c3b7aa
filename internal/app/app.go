package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/admin"
	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/gateway/profile"
	"github.com/lunette-waf/lunette/internal/redact"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/store"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// Options are what the process gives the gateway. The zero value works.
type Options struct {
	Version string
	Log     io.Writer // operational log; default standard error
	Access  io.Writer // instead of standard output, where the access log goes to stdout
}

// App is a running gateway.
type App struct {
	path  string
	opts  Options
	log   *slog.Logger
	rec   *telemetry.Recorder
	audit *auditLog // nil without one
	pipe  *pipeline
	sh    shared
	admin *admin.Server // nil without an admin address

	captures *captures // what people see live of connections
	store    *store.Store
	book     *profile.Book    // what is learned of origins
	after    *aftermath       // takes what went wrong to those who remember
	prover   *prover          // tries aside what failed
	events   chan store.Event // to be written down

	relook chan struct{} // files were read: watch looks which; one waits

	mu        sync.Mutex // one reload at a time; guards what follows
	listeners []*running
	inherited []net.Listener // from systemd, until a listener takes them
	stopping  bool           // no reload any more
	loaded    snapshot       // the files that were read last, in vain or not, right before that
	served    snapshot       // those that what is in force was read from
	failed    chan error     // a listener that ended by itself
}

// New loads the configuration at path and opens everything: rules, logs, sockets. Nothing is served until Run. Where
// the configuration is at fault, or an address that it states cannot be had, the error is a config.Faults.
func New(path string, opts Options) (*App, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	before := look([]string{abs})
	cfg, faults := config.Load(path)
	if faults.Failed() {
		return nil, faults
	}
	if opts.Log == nil {
		opts.Log = os.Stderr
	}
	a := &App{path: path, opts: opts, loaded: look(cfg.Files()), failed: make(chan error, 1), relook: make(chan struct{}, 1)}
	a.loaded.update(before) // a change since then counts
	a.sh = shared{rules: rules.NewFactory(), gate: policy.NewGate(runtime.GOMAXPROCS(0), cfg.WAFMemory), connIDs: new(atomic.Uint64), observer: (*healthLog)(a)}
	if err := a.open(cfg, faults); err != nil {
		a.abandon()
		return nil, err
	}
	return a, nil
}

func (a *App) open(cfg *config.Config, warnings config.Faults) (err error) {
	mask := redact.Config{Names: cfg.AccessLog.Mask}
	if a.log, err = telemetry.NewLogger(telemetry.LogConfig{Level: level(cfg.Log.Level), JSON: cfg.Log.Format == "json", Redact: mask}, a.opts.Log); err != nil {
		return err
	}
	logFaults(a.log, warnings)
	rc := recorderConfig(cfg, mask, a.opts)
	rc.Failing = a.accessLogFailing
	if a.rec, err = telemetry.New(rc); err != nil {
		return err
	}
	masker, err := redact.New(mask)
	if err != nil {
		return err
	}
	a.sh.mask = masker.Part
	if err := a.openAudit(cfg, masker); err != nil {
		return err
	}
	a.pipe = newPipeline(scribe{a.rec, a.audit}, a.log)
	if err := a.openMemory(cfg, masker); err != nil {
		return err
	}
	a.pipe.after = a.after
	a.captures = newCaptures(func() *flight.Recorder { return a.sh.flight }, a.pipe.graph.Load, a.log, a.opts.Version)
	a.captures.addrs = a.Addrs
	a.captures.audit = a.audited
	a.pipe.failures, a.after.failures = &a.captures.failed, &a.captures.failed
	g, err := a.assemble(cfg, nil)
	if err != nil {
		g.close(nil)
		return err
	}
	a.loaded.add(g.inputs)
	a.served = a.loaded
	a.install(g)
	a.rec.Metrics().Reloaded(true, time.Now())
	if a.inherited, err = inheritedListeners(); err != nil {
		return err
	}
	return together(a.listen(g), a.openAdmin(cfg)) // every address that cannot be had at once
}

func (a *App) openAdmin(cfg *config.Config) error {
	if cfg.Admin.Address == "" {
		return nil
	}
	token, err := adminToken(cfg)
	if err != nil {
		return err
	}
	srv, err := admin.New(admin.Config{Address: cfg.Admin.Address, Token: token, Version: a.opts.Version},
		admin.Deps{Metrics: a.rec.Metrics().Handler(), Blocks: a.rec, Captures: a.captures, Origins: learnedView{a.book}, Incidents: incidentView{a.store}, Log: a.log})
	var bind *net.OpError
	if errors.As(err, &bind) {
		return config.Faults{bindFault(cfg, "admin.address", cfg.Admin.Address, err)}
	}
	if err != nil {
		return err
	}
	a.admin = srv
	return nil
}

// abandon closes what a failed New had opened.
func (a *App) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, l := range a.listeners {
		_ = l.socket.Close()
	}
	if a.admin != nil {
		_ = a.admin.Close(ctx)
	}
	if a.pipe != nil {
		if g := a.pipe.graph.Load(); g != nil {
			g.close(nil)
		}
	}
	if a.rec != nil {
		_ = a.rec.Close(ctx)
	}
	_ = a.audit.close(ctx)
	_ = a.closeMemory()
}

// Run serves until ctx ends, then drains for at most drain_timeout. It returns nil after an orderly stop.
func (a *App) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.mu.Lock()
	for _, l := range a.listeners {
		a.start(l)
	}
	a.mu.Unlock()
	var bg, memory sync.WaitGroup
	bg.Go(func() { a.watch(serving) })
	remembering, forget := context.WithCancel(context.WithoutCancel(ctx))
	defer forget()
	memory.Go(func() { a.remember(remembering) })
	memory.Go(func() { a.after.keeper.Run(remembering) })
	if a.admin != nil {
		a.admin.Start()
		a.admin.SetReady(true)
	}
	notifySystemd("READY=1")
	a.log.Info("serving", "version", a.opts.Version, "config", a.path, "addresses", strings.Join(a.Addrs(), " "))
	var err error
	select {
	case <-ctx.Done():
	case err = <-a.failed:
		a.log.Error("a listener failed, stopping", "error", err)
	}
	stop()
	bg.Wait()
	err = errors.Join(err, a.drain())
	forget() // what failed until now is written down
	memory.Wait()
	return errors.Join(err, a.closeMemory())
}

// drain stops accepting, lets running exchanges end, and closes everything.
func (a *App) drain() error {
	if a.admin != nil {
		a.admin.SetReady(false)
	}
	notifySystemd("STOPPING=1")
	g := a.pipe.graph.Load()
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.DrainTimeout)
	defer cancel()
	a.log.Info("stopping: no new connections, waiting for open requests", "drain_timeout", g.cfg.DrainTimeout)
	a.mu.Lock()
	listeners := a.listeners
	a.listeners, a.stopping = nil, true
	a.mu.Unlock()
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() { a.retire(ctx, l) })
	}
	wg.Wait()
	g.close(nil)
	closing, cancelClosing := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancelClosing()
	var err error
	if a.admin != nil {
		err = a.admin.Close(closing)
	}
	err = errors.Join(err, a.rec.Close(closing), a.audit.close(closing))
	a.log.Info("stopped")
	return err
}

// Addrs returns the addresses in use, in the order of the configuration: what port 0 became.
func (a *App) Addrs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]string, len(a.listeners))
	for i, l := range a.listeners {
		out[i] = l.l.Addr().String()
	}
	return out
}

// AdminAddr returns the admin address in use, "" without one.
func (a *App) AdminAddr() string {
	if a.admin == nil {
		return ""
	}
	return a.admin.Addr()
}

// Reopen opens the access log and the audit log anew, for logrotate.
func (a *App) Reopen(ctx context.Context) {
	if err := a.rec.Reopen(ctx); err != nil {
		a.log.Error("the access log could not be reopened; the old file stays in use", "error", err)
	}
	if err := a.audit.reopen(ctx); err != nil {
		a.log.Error("the audit log could not be reopened; the old file stays in use", "error", err)
	}
}

func recorderConfig(cfg *config.Config, mask redact.Config, opts Options) telemetry.Config {
	out := telemetry.Config{Closed: cfg.AccessLog.OnError == "closed", Headers: cfg.AccessLog.Headers, Mask: mask, Version: opts.Version}
	switch cfg.AccessLog.File {
	case "", "stdout":
		out.Output = opts.Access
	case "stderr":
		out.Output = os.Stderr
	case "off":
		out.Output = io.Discard
	default:
		out.File = cfg.AccessLog.File
	}
	return out
}

// accessLogFailing hears of a disk that is full or broken, and of one that is well again.
func (a *App) accessLogFailing(err error) {
	if err != nil {
		a.log.Error("the access log cannot be written: make room; lines wait in memory, then they are lost and counted in lunette_access_log_dropped_total", "error", err)
		return
	}
	a.log.Info("the access log is written again")
}

func level(s string) slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(s)) // the configuration admits nothing else
	return l
}
