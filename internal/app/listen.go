package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/listener"
	"github.com/lunette-waf/lunette/internal/reason"
)

// running is a listener and what it was made from.
type running struct {
	key     string // what cannot be changed while it runs
	address string // as configured
	socket  net.Listener
	l       *listener.Listener
	cancel  context.CancelFunc
	done    chan struct{} // nil until it is started
}

// listenerKey names what a listener keeps for life.
func listenerKey(l *config.Listener) string {
	return fmt.Sprintf("%s tls=%v http2=%v proxy=%s %v", l.Address, l.TLS, l.HTTP2, l.ProxyProtocol.Mode, l.ProxyProtocol.Trusted)
}

// listen makes the set of listeners that g wants: those that stay get the new settings, new ones are opened, and those
// that are no longer wanted drain in the background. On an error the set stays as it was. The caller holds a.mu, or is New.
func (a *App) listen(g *graph) error {
	if n := boundConnections(g.cfg.Listen, openFiles()); n > 0 {
		a.log.Warn("limits.connections is lowered to what the file descriptors allow, a third of which is kept for origins and files; raise the limit (LimitNOFILE=, ulimit -n)", "connections", n)
	}
	var next, opened []*running
	var faults []error
	have := map[string]*running{}
	for _, r := range a.listeners {
		have[r.key] = r
	}
	for i := range g.cfg.Listen {
		c := &g.cfg.Listen[i]
		key := listenerKey(c)
		if r := have[key]; r != nil {
			next = append(next, r)
			delete(have, key)
			continue
		}
		r, err := a.openListener(i, g, key, have)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		next, opened = append(next, r), append(opened, r)
	}
	if err := together(faults...); err != nil {
		for _, o := range opened {
			_ = o.socket.Close()
		}
		return err
	}
	for i, r := range next {
		r.l.SetSettings(listenerSettings(&g.cfg.Listen[i]))
		r.l.SetSites(g.tls)
	}
	running := len(a.listeners) > 0
	a.listeners = next
	for _, r := range have {
		go func() { // ends with the drain timeout
			ctx, cancel := context.WithTimeout(context.Background(), g.cfg.DrainTimeout)
			defer cancel()
			a.retire(ctx, r)
		}()
	}
	if running {
		for _, r := range opened {
			a.start(r)
		}
	}
	return nil
}

// openListener makes listener i of the configuration on a socket of openSocket. Where there is no socket the error is a config.Faults.
func (a *App) openListener(i int, g *graph, key string, leaving map[string]*running) (*running, error) {
	c := &g.cfg.Listen[i]
	socket, err := a.openSocket(c.Address, leaving)
	if err != nil {
		return nil, config.Faults{bindFault(g.cfg, addressKey(i), c.Address, err)}
	}
	lc := listenerConfig(c, g.cfg)
	lc.Sites, lc.ConnIDs, lc.Record = g.tls, a.sh.connIDs, a.record
	lc.Refused = a.pipe.refused
	lc.Dial, lc.Observe, lc.Panic, lc.Flight = a.dialPassthrough, (*clients)(a), a.panicked, a.clientTapes
	l, err := listener.New(lc, socket, a.pipe)
	if err != nil {
		_ = socket.Close()
		return nil, fmt.Errorf("listen on %s: %w", c.Address, err)
	}
	return &running{key: key, address: c.Address, socket: socket, l: l}, nil
}

// start serves r in the background until retire. The caller holds a.mu.
func (a *App) start(r *running) {
	if r.done != nil { // by a reload that came before Run
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() { // ends with retire
		defer close(r.done)
		if err := r.l.Serve(ctx); err != nil {
			select {
			case a.failed <- fmt.Errorf("serve %s: %w", r.address, err):
			default:
			}
		}
	}()
}

// retire drains a listener until ctx ends.
func (a *App) retire(ctx context.Context, r *running) {
	if err := r.l.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		a.log.Warn("drain_timeout is over, open connections were cut", "address", r.address, "error", err)
	}
	if r.cancel != nil {
		r.cancel()
		<-r.done
	}
}

// clients hears of client connections.
type clients App

// Opened implements listener.Observer.
func (o *clients) Opened(c *exchange.Client) { o.rec.Metrics().ConnOpened(c.Listener) }

// Handshake implements listener.Observer.
func (o *clients) Handshake(_ *exchange.Client, state *exchange.ClientTLS, code reason.Code) {
	if state == nil {
		o.rec.Metrics().ClientHandshake(0, false, code)
		return
	}
	o.rec.Metrics().ClientHandshake(state.Version, state.Resumed, "")
}

// Closed implements listener.Observer: origin connections that belong to this client end with it.
func (o *clients) Closed(c *exchange.Client) {
	o.rec.Metrics().ConnClosed(c.Listener)
	for _, origin := range o.pipe.graph.Load().origins {
		origin.DropClient(c.ConnID)
	}
}

// panicked logs a panic that ended a connection.
func (a *App) panicked(v any, stack []byte) {
	a.log.Error("a connection panicked; please report this", "panic", fmt.Sprint(v), "stack", string(stack))
}

// record takes what a listener ended itself: requests that it refused, and connections that never made one.
func (a *App) record(x *exchange.Exchange) {
	if x.Answer.Status == 0 && x.Request.Method == "" && len(x.Attempts) == 0 && x.Answer.Reason != "" {
		a.rec.Metrics().ConnRefused(x.Client.Listener, x.Answer.Reason)
	}
	a.rec.Record(x)
	a.audit.record(x)
}

// dialPassthrough connects to the origin of a passed-through site.
func (a *App) dialPassthrough(ctx context.Context, site string, client *exchange.Client, at *exchange.Attempt) (net.Conn, error) {
	o := a.pipe.graph.Load().byName[site]
	if o == nil {
		return nil, reason.New(reason.ConfigNoOrigin, site, nil)
	}
	return o.Dial(ctx, client, at)
}

func notifySystemd(state string) { _, _ = daemon.SdNotify(false, state) }

// reloading tells systemd (Type=notify-reload) that a reload runs.
func reloading() {
	notifySystemd(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonicMicros()))
}

func monotonicMicros() int64 {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	up, _, _ := strings.Cut(string(b), " ")
	d, err := time.ParseDuration(up + "s")
	if err != nil {
		return 0
	}
	return d.Microseconds()
}
