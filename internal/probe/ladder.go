package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// step is one rung of the ladder.
type step struct {
	name string
	asks string            // what it wants to know, a question in words
	cost func(*climb) int  // connections at most, as far as it can be told beforehand
	run  func(*climb) bool // false: there is nothing above this rung
}

// steps are the ladder, lowest rung first. What waits for an origin's timers comes last.
func steps() []step {
	return []step{
		{"names", "which addresses has the name, and do all resolvers say the same?", func(*climb) int { return 0 }, (*climb).names},
		{"tcp", "does every address take connections, and how far away is it?", (*climb).costTCP, (*climb).tcp},
		{"request", "does a request work as Lunette's gateway would make it?", func(c *climb) int { return len(c.cfg.Paths) }, (*climb).request},
		{"tls", "which versions, suites, groups, names and protocols does the origin take?", (*climb).costTLS, (*climb).tls},
		{"renegotiation", "does the origin ask for a new handshake after a request?", (*climb).costRenegotiation, (*climb).renegotiation},
		{"http", "how does the origin treat methods, hosts, kept connections and codings?", (*climb).costHTTP, (*climb).http},
		{"repeat", "does what failed fail again, now that other things have worked?", (*climb).costRepeat, (*climb).repeat},
		{"gateway", "does the same work through the gateway?", (*climb).costGateway, (*climb).gateway},
		{"patience", "what becomes of a HelloRequest that nobody answers?", (*climb).costPatience, (*climb).patience},
	}
}

// climb is one run of the ladder.
type climb struct {
	cfg      Config
	ctx      context.Context
	step     string
	own      []netip.Addr // of this machine
	approved []netip.Addr // that stand in for the host; nil: any
	addrs    []netip.AddrPort
	plain    *Outcome // the first path, as the gateway asks
	modern   []*Outcome
	working  *offer // what a handshake is known to work with; nil: none
	asked    []*Outcome
	timeout  time.Duration // of a handshake, once it is known how fast the origin is
	caches   [2]tls.ClientSessionCache

	mu       sync.Mutex // what follows is shared by connections that wait side by side
	report   *Report
	last     time.Time
	conns    int
	used     bool     // the connections are used up
	read     int64    // bytes of bodies
	keptBack []string // what sayWithheld told
}

// Run climbs the ladder. The error says what kept it from beginning; whatever happens later is in the report.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.filled()
	c := &climb{cfg: cfg, report: &Report{Target: cfg.Target, Began: time.Now()}, timeout: min(slowHandshake, cfg.Budget/4)}
	c.own = ownAddresses()
	var stop context.CancelFunc
	c.ctx, stop = context.WithTimeout(ctx, cfg.Budget)
	defer stop()
	if err := c.allowed(); err != nil {
		return nil, err
	}
	for _, s := range steps() {
		if c.ctx.Err() != nil {
			break
		}
		cost := s.cost(c)
		if cost < 0 {
			continue
		}
		c.step = s.name
		cfg.Began(s.name, s.asks, cost)
		if !s.run(c) {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
		c.report.Cut = "interrupted"
	case c.ctx.Err() != nil:
		c.report.Cut = "the time is up"
	case c.used:
		c.report.Cut = "the connections are used up"
	}
	c.report.Settings = c.settings()
	c.report.Ended = time.Now()
	return c.report, nil
}

// say adds a line.
func (c *climb) say(what string, mark Mark, text string) {
	l := Line{Step: c.step, What: masked(what), Text: masked(text), Mark: mark}
	c.mu.Lock()
	c.report.Lines = append(c.report.Lines, l)
	c.mu.Unlock()
	c.cfg.Progress(l)
}

// tell adds a fact of no connection.
func (c *climb) tell(f fact.Fact) { c.report.Facts = append(c.report.Facts, f) }

var errUsedUp = errors.New("the connections are used up")

// turn waits until the next connection may be made, and counts it.
func (c *climb) turn() (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns >= c.cfg.MaxConns {
		c.used = true
		return 0, errUsedUp
	}
	if wait := c.cfg.Interval - time.Since(c.last); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.ctx.Done():
		}
	}
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	c.last = time.Now()
	c.conns++
	return uint64(c.conns), nil
}

// keep adds an outcome to the report.
func (c *climb) keep(o *Outcome) {
	c.mu.Lock()
	c.report.Tries = append(c.report.Tries, o)
	c.mu.Unlock()
}
