// Package origin reaches the origin of a site: it resolves, connects, speaks TLS and HTTP/1.1 or HTTP/2, keeps
// connections, retries where that is safe, and leaves a record of every attempt.
//
// Input: an [exchange.Exchange] whose Request is what shall be sent. Output: an [exchange.Response] as a stream, or a
// *reason.Error; one [exchange.Attempt] per try either way.
// Promises: every failure has a reason that was read from types, errno, alert numbers and record headers, never from
// an error's text; a request is sent twice only where the origin cannot have acted on the first; a connection whose
// framing is in doubt, or that carries somebody's identity, is never given to somebody else; TLS settings are explicit.
// Within: roundtrip.go is the loop of attempts, connect.go and pool.go find a connection, dial.go and handshake.go make one, tap.go
// watches its TLS records; call.go is an exchange over HTTP/1.1, the h2 files are one over HTTP/2; classify.go names faults.
// Non-goals: header policy (site), inspection (policy), speaking to clients (listener).
package origin

import (
	"context"
	"crypto/tls"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Origin is where one site or route is served from: one or several URLs that serve the same content.
// It is safe for concurrent use.
type Origin struct {
	cfg       Config
	deps      Deps
	tls       *tls.Config
	resolver  *resolver
	endpoints []*endpoint
	next      atomic.Uint64 // round robin
	now       func() time.Time
	bufs      sync.Pool // *[]byte, for request heads and bodies
	closed    atomic.Bool
	live      liveConns
	stop      context.CancelFunc // ends the health checks
	wg        sync.WaitGroup
}

// Deps are shared by all origins of a process. The zero value works for a single one.
type Deps struct {
	ConnIDs  *atomic.Uint64   // source of connection ids
	Now      func() time.Time // default time.Now
	Observer Observer         // told of health changes; may be nil
	Flight   exchange.Flight  // opens the tapes of connections; may be nil
	// IdleEnded is told of idle HTTP/1.1 connections to url that nobody uses any more: the origin had closed them (closed), or they were
	// still open when they had lain for idle and were let go. May be nil; must not wait.
	IdleEnded func(url string, idle time.Duration, closed bool)
}

// Observer hears what concerns no single exchange.
type Observer interface {
	// HealthChanged is called when a URL goes up or down; why is nil when it went up.
	HealthChanged(origin, url string, up bool, why error)
}

// New builds an origin and starts its health checks; Close ends them.
func New(cfg Config, deps Deps) (*Origin, error) {
	cfg = cfg.withDefaults()
	if len(cfg.URLs) == 0 {
		return nil, errors.New("build origin " + cfg.Name + ": no url")
	}
	if deps.ConnIDs == nil {
		deps.ConnIDs = new(atomic.Uint64)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	o := &Origin{cfg: cfg, deps: deps, now: deps.Now}
	o.tls = baseTLS(cfg.TLS, tls.NewLRUClientSessionCache(128))
	o.resolver = newResolver(cfg.Resolvers, deps.Now)
	o.bufs.New = func() any { b := make([]byte, 0, pieceSize+4096); return &b }
	for _, raw := range cfg.URLs {
		u, err := parseURL(raw)
		if err != nil {
			return nil, err
		}
		o.endpoints = append(o.endpoints, newEndpoint(o, u))
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.stop = cancel
	if cfg.Health.Path != "" {
		for _, ep := range o.endpoints {
			o.wg.Go(func() { ep.watch(ctx) })
		}
	}
	return o, nil
}

// Close ends health checks and idle connections. Exchanges that still run end undisturbed and close their connections.
func (o *Origin) Close() {
	if o.closed.Swap(true) {
		return
	}
	o.stop()
	o.wg.Wait()
	for _, ep := range o.endpoints {
		ep.shut()
	}
}

// DropClient closes idle connections that belong to the client connection with that id. Call it when one ends.
func (o *Origin) DropClient(client uint64) {
	for _, ep := range o.endpoints {
		if ep.pinned.Load() > 0 {
			ep.dropClient(client)
		}
	}
}

// Stats is the state of one URL, for metrics.
type Stats struct {
	URL      string
	Up       bool
	Open     int64 // connections
	Idle     int   // of these, idle HTTP/1.1 ones
	Inflight int64 // exchanges
}

// Stats returns the state of every URL.
func (o *Origin) Stats() []Stats {
	out := make([]Stats, len(o.endpoints))
	for i, ep := range o.endpoints {
		ep.mu.Lock()
		idle := len(ep.idle)
		ep.mu.Unlock()
		out[i] = Stats{URL: ep.url.raw, Up: ep.health.up(o.now()), Open: ep.open.Load(), Idle: idle, Inflight: ep.inflight.Load()}
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }

// newAttempt appends the record of a new attempt and returns its index; the slice may move, so pointers are not kept.
func newAttempt(x *exchange.Exchange, ep *endpoint, now time.Time) int {
	x.Attempts = append(x.Attempts, exchange.Attempt{
		Start: now, URL: ep.url.raw,
		DNS: exchange.NotReached, Connect: exchange.NotReached, TLS: exchange.NotReached, Write: exchange.NotReached,
		FirstByte: exchange.NotReached, Body: exchange.NotReached,
		AlertReceived: -1, AlertSent: -1,
	})
	return len(x.Attempts) - 1
}
