package listener

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Listener serves one listening socket.
type Listener struct {
	// constant
	cfg     Config
	ln      net.Listener
	handler exchange.Handler
	trusted []netip.Prefix
	tls     *tlsFront // nil on a plain listener
	h2      *h2Front  // nil where HTTP/2 is off
	base    context.Context
	cancel  context.CancelCauseFunc

	// swapped at run time
	settings atomic.Pointer[Settings]

	draining atomic.Bool
	starting sync.Mutex     // makes draining and loops change together
	loops    sync.WaitGroup // Serve
	conns    table
	running  sync.WaitGroup // one for each connection's goroutine
}

// New returns a listener for the open socket ln; handler gets every request that could be read.
// It fails when TLS is asked for without Sites, or a needed dependency is missing.
func New(cfg Config, ln net.Listener, handler exchange.Handler) (*Listener, error) {
	if ln == nil || handler == nil {
		return nil, errors.New("make listener: no socket or no handler")
	}
	if cfg.TLS && cfg.Sites == nil {
		return nil, errors.New("make listener: tls without sites")
	}
	if cfg.Address == "" {
		cfg.Address = ln.Addr().String()
	}
	if cfg.Record == nil {
		cfg.Record = func(*exchange.Exchange) {}
	}
	if cfg.ConnIDs == nil {
		cfg.ConnIDs = new(atomic.Uint64)
	}
	l := &Listener{cfg: cfg, ln: ln, handler: handler, trusted: cfg.Trusted}
	l.base, l.cancel = context.WithCancelCause(context.Background())
	l.conns.init()
	l.SetSettings(cfg.Settings)
	if cfg.TLS {
		l.tls = newTLSFront(cfg.Sites, cfg.HTTP2)
		if cfg.HTTP2 {
			h2, err := newH2Front(l)
			if err != nil {
				return nil, fmt.Errorf("make listener: %w", err)
			}
			l.h2 = h2
		}
	}
	return l, nil
}

// SetSettings swaps limits and times. Running HTTP/1.1 connections take the new ones with their next request; of HTTP/2,
// Streams, HeaderBytes and Write hold for new connections, and Idle stays what it was.
func (l *Listener) SetSettings(s Settings) {
	s = s.withDefaults()
	l.settings.Store(&s)
	if l.h2 != nil {
		l.h2.configure(&s)
	}
}

// SetSites swaps the certificates and client_auth; open connections keep what they were accepted with.
func (l *Listener) SetSites(s Sites) {
	if l.tls != nil && s != nil {
		l.tls.sites.Store(&s)
	}
}

func (l *Listener) connID() uint64 { return l.cfg.ConnIDs.Add(1) }

// Addr returns the address of the socket.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// Connections returns the number of open connections.
func (l *Listener) Connections() int { return l.conns.len() }

// Serve accepts until ctx ends or Shutdown is called, and returns nil then; any other end is an error. It does not
// wait for open connections: that is Shutdown's, which must be called in every case.
func (l *Listener) Serve(ctx context.Context) error {
	if !l.enter() {
		return nil
	}
	defer l.loops.Done()
	stop := context.AfterFunc(ctx, func() { _ = l.ln.Close() })
	defer stop()
	pause := time.Duration(0)
	for {
		c, err := l.ln.Accept()
		if err == nil {
			pause = 0
			l.admit(c)
			continue
		}
		if ctx.Err() != nil || l.draining.Load() {
			return nil
		}
		if !passing(err) {
			return fmt.Errorf("accept on %s: %w", l.cfg.Address, err)
		}
		if pause = min(max(2*pause, 5*time.Millisecond), time.Second); pause >= 40*time.Millisecond {
			l.refuseConn(&exchange.Client{Listener: l.cfg.Address}, time.Now(), reason.New(reason.LimitNoFDs, "accept", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.base.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// enter counts an accept loop in; false when Shutdown came before it.
func (l *Listener) enter() bool {
	l.starting.Lock()
	defer l.starting.Unlock()
	if l.draining.Load() {
		return false
	}
	l.loops.Add(1)
	return true
}

// passing reports whether an accept error goes away by itself: descriptors or memory are short, or the peer left first.
func passing(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// admit counts the connection in and starts its goroutine.
func (l *Listener) admit(nc net.Conn) {
	c := newConn(l, nc)
	ok, closed := l.conns.add(c, l.settings.Load().Connections, &l.running)
	if ok {
		go c.run()
		return
	}
	if !closed {
		l.refuseConn(c.client, c.accepted, reason.New(reason.LimitConnLimit, "listener", nil))
	}
	_ = nc.Close()
}

// refuseConn records a connection that ended before any request.
func (l *Listener) refuseConn(client *exchange.Client, start time.Time, err *reason.Error) {
	x := &exchange.Exchange{ID: exchange.NewID(start), Start: start, Client: client}
	x.Request.Body = exchange.NoBody
	x.Answer.Reason, x.Answer.Detail, x.Answer.InRequest = err.Code, err.Detail, err.InRequest
	x.Answer.Duration = time.Since(start)
	l.cfg.Record(x)
}

// panicked passes a recovered panic on and records what it ended.
func (l *Listener) panicked(v any, client *exchange.Client, start time.Time, where string) {
	if l.cfg.Panic != nil {
		l.cfg.Panic(v, debug.Stack())
	}
	l.refuseConn(client, start, reason.New(reason.UsPanic, where, nil))
}

// Shutdown stops accepting and drains: idle connections are closed at once, new ones may ask once, running requests get their answer with
// Connection: close, HTTP/2 connections a GOAWAY. When ctx ends first, what is left is closed by force and ctx's error returned.
func (l *Listener) Shutdown(ctx context.Context) error {
	l.starting.Lock()
	l.draining.Store(true)
	l.starting.Unlock()
	_ = l.ln.Close()
	l.loops.Wait() // what was accepted already is served
	l.conns.close()
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	again := time.NewTicker(100 * time.Millisecond) // for connections that were in their handshake
	defer again.Stop()
	for {
		l.conns.each(func(c *conn) { c.drain() })
		if l.h2 != nil {
			l.h2.drain(ctx)
		}
		select {
		case <-done:
			l.cancel(reason.New(reason.UsShutdown, "", nil))
			return nil
		case <-again.C:
		case <-ctx.Done():
			l.cancel(reason.New(reason.UsShutdown, "drain time over", ctx.Err()))
			l.conns.each(func(c *conn) { c.kill() })
			<-done
			return ctx.Err()
		}
	}
}
