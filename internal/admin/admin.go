// Package admin is the operators' HTTP server, on an address of its own.
//
// Input: an address, perhaps a token, and what it shows as interfaces. Output: /metrics, /healthz, /readyz, /version,
// /blocks/{id}, /origins, /capture (with a token, or for root and the gateway's own user), and with a token /debug/pprof/.
// Promises: without a token it listens on loopback only and answers only requests whose Host is an address or localhost (a web page
// in the operator's browser cannot reach it by a name of its own); with one every request but the two probes needs
// "Authorization: Bearer …", compared in constant time; reads, headers and connections are bounded.
// Non-goals: TLS (put it behind the gateway or a tunnel), changing how the gateway serves, the console.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where to listen. The zero value listens on 127.0.0.1:9180.
type Config struct {
	Address string // host:port; default 127.0.0.1:9180; port 0 picks a free one
	Token   string // at least 16 bytes; "" allows loopback addresses only
	Version string // what /version shows
}

// Blocks finds the records of blocked requests.
type Blocks interface {
	// Block returns the record as JSON; false when it is not known.
	Block(id string) ([]byte, bool)
}

// Deps are what the server shows.
type Deps struct {
	Metrics   http.Handler // /metrics
	Blocks    Blocks       // /blocks/{id}; nil for none
	Captures  Captures     // /capture; nil for none
	Origins   Origins      // /origins; nil for none
	Incidents Incidents    // /incidents; nil for none
	Log       *slog.Logger // nil for none
}

const (
	defaultAddress = "127.0.0.1:9180"
	minToken       = 16
	maxConns       = 64
)

// Server serves the admin address.
type Server struct {
	http  *http.Server
	ln    net.Listener
	ready atomic.Bool
	start sync.Once     // by Start, or by a Close that came instead
	done  chan struct{} // closed when serving is over
	err   error         // of Serve; read after done

	stopping context.Context // ends when Close begins: for answers that last
}

// New listens; Start serves and Close ends it. Not ready until SetReady(true).
func New(cfg Config, deps Deps) (*Server, error) {
	if cfg.Address == "" {
		cfg.Address = defaultAddress
	}
	if cfg.Token != "" && len(cfg.Token) < minToken {
		return nil, fmt.Errorf("make admin server: token of %d bytes: want at least %d", len(cfg.Token), minToken)
	}
	if deps.Metrics == nil {
		return nil, errors.New("make admin server: no metrics handler")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Token == "" {
		if err := loopbackOnly(cfg.Address); err != nil {
			return nil, fmt.Errorf("make admin server: %w", err)
		}
	}
	ln, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("make admin server: %w", err)
	}
	stopping, stop := context.WithCancel(context.Background())
	s := &Server{ln: newLimited(ln, maxConns), done: make(chan struct{}), stopping: stopping}
	s.http = &http.Server{
		Handler:           guard(cfg.Token, s.routes(cfg, deps)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // a CPU profile takes its 30 s
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug),
	}
	s.http.RegisterOnShutdown(stop)
	return s, nil
}

// loopbackOnly refuses any address that others could reach.
func loopbackOnly(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if host == "localhost" {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Unmap().IsLoopback() {
		return fmt.Errorf("address %q is not loopback: set a token, or listen on 127.0.0.1", address)
	}
	return nil
}

// Addr returns the address in use.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// SetReady sets what /readyz says.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

// Start serves in the background until Close.
func (s *Server) Start() {
	s.start.Do(func() {
		go func() {
			defer close(s.done)
			if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
				s.err = err
			}
		}()
	})
}

// Close ends the server, started or not: open requests may finish until ctx ends, then they are cut.
func (s *Server) Close(ctx context.Context) error {
	s.start.Do(func() { close(s.done) })
	err := s.http.Shutdown(ctx)
	_ = s.ln.Close() // Shutdown closes what was served; this one may never have been
	if err != nil {
		err = errors.Join(fmt.Errorf("close admin server: %w", err), s.http.Close())
	}
	<-s.done
	if s.err != nil {
		err = errors.Join(err, fmt.Errorf("serve admin address: %w", s.err))
	}
	return err
}
