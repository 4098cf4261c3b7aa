package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const titleHandshake = "TLS 1.3 handshakes (ECDSA P-256 certificate, 16 clients at once, no request)"

// handshakes measures connections that do a handshake and leave: full with X25519, full with the post-quantum hybrid
// where the server speaks it, and resumed.
func (o *options) handshakes(ctx context.Context, r *rig, systems []*system, rep *report) error {
	for round := range o.rounds {
		for _, s := range systems {
			if s.tls == "" || s.rules() {
				continue
			}
			for _, kind := range []string{"full", "hybrid", "resumed"} {
				if err := o.handshake(ctx, r, s, kind, rep); err != nil {
					return fmt.Errorf("shake hands with %s, %s: %w", s.Name, kind, err)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "handshake: round %d of %d\n", round+1, o.rounds)
	}
	rep.note(titleHandshake, "per second, and CPU µs of the server for each; hybrid is X25519MLKEM768, which only Go servers speak here; resumed by ticket, X25519")
	return nil
}

func (o *options) handshake(ctx context.Context, r *rig, s *system, kind string, rep *report) error {
	cfg := &tls.Config{RootCAs: r.pool, ServerName: site, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}}
	switch kind {
	case "hybrid":
		cfg.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768}
		if err := shake(s.tls, cfg, false); err != nil {
			return nil //nolint:nilerr // it does not speak it
		}
	case "resumed":
		t := &ticket{}
		cfg.ClientSessionCache = t
		if err := fetchTicket(s.tls, cfg); err != nil {
			return err
		}
		t.frozen.Store(true)
	}
	before := s.p.cpu()
	n, err := manyHandshakes(ctx, s.tls, cfg, kind == "resumed", o.length)
	if err != nil {
		return err
	}
	used := s.p.cpu() - before
	rep.put(titleHandshake, s.Name, kind+"/s", float64(n)/o.length.Seconds())
	rep.put(titleHandshake, s.Name, kind+" µs", float64(used.Microseconds())/float64(n))
	return nil
}

// manyHandshakes keeps 16 clients busy for d and returns how many handshakes there were.
func manyHandshakes(ctx context.Context, addr string, cfg *tls.Config, resume bool, d time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var n atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, 16)
	for range 16 {
		wg.Go(func() { // ends with ctx, or on a fault
			for ctx.Err() == nil {
				if err := shake(addr, cfg, resume); err != nil {
					failed <- err
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
		return n.Load(), nil
	}
}

// shake connects, does the handshake and closes.
func shake(addr string, cfg *tls.Config, resume bool) error {
	raw, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = raw.Close() }()
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // leaves no port in TIME_WAIT
	}
	_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
	c := tls.Client(raw, cfg)
	if err := c.Handshake(); err != nil {
		return err
	}
	if got := c.ConnectionState().DidResume; got != resume {
		return fmt.Errorf("resumed: %v, want %v", got, resume)
	}
	// Our end is known to the server, so it has read our Finished and sent its tickets once it closes too.
	if err := c.CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, raw)
	return err
}

// fetchTicket makes one request, behind whose answer the ticket has arrived.
func fetchTicket(addr string, cfg *tls.Config) error {
	c, err := tls.Dial("tcp", addr, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return get(c, bufio.NewReader(c))
}

// ticket keeps one session, for all connections.
type ticket struct {
	mu     sync.Mutex
	state  *tls.ClientSessionState
	frozen atomic.Bool
}

// Get implements tls.ClientSessionCache.
func (t *ticket) Get(string) (*tls.ClientSessionState, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state, t.state != nil
}

// Put implements tls.ClientSessionCache.
func (t *ticket) Put(_ string, s *tls.ClientSessionState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.frozen.Load() && s != nil {
		t.state = s
	}
}
