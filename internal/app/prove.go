package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/probe/counterfactual"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
)

// The bounds of proving, beside those of one proof (probe/counterfactual).
const (
	proveAgain  = 10 * time.Minute // how soon the same incident is proven again
	proveQueue  = 16               // proofs that wait
	proveRecent = 4096             // incidents that are remembered
)

// provenTo hears of what was demonstrated: the keeper of incidents.
type provenTo interface {
	Proven(key store.Key, sentence, yaml string)
}

// poolState is how a site's connections to a URL stand now; false where that is not known.
type poolState func(site, url string) (origin.Stats, bool)

// prover demonstrates causes of failed attempts aside, one at a time (docs/prove.md). The zero bounds are those of the documentation.
type prover struct {
	keep   provenTo // may be nil
	state  poolState
	log    *slog.Logger
	bounds counterfactual.Bounds

	queue chan *provable
	stop  context.CancelFunc
	done  chan struct{}

	mu     sync.Mutex
	recent map[store.Key]time.Time
}

// newProver starts the one goroutine that makes proofs; close ends it, and what it is at.
func newProver(ctx context.Context, keep provenTo, state poolState, log *slog.Logger) *prover {
	ctx, cancel := context.WithCancel(ctx)
	p := &prover{keep: keep, state: state, log: log, queue: make(chan *provable, proveQueue), stop: cancel, done: make(chan struct{}), recent: map[store.Key]time.Time{}}
	go p.run(ctx)
	return p
}

func (p *prover) close() {
	p.stop()
	<-p.done
}

// Failed is told of an exchange that failed at a site with prove: on, before it is recorded; oc are the settings that it was sent by, key
// the incident that it is counted in. It never waits, and keeps nothing of x but method, path and host.
func (p *prover) Failed(x *exchange.Exchange, oc *config.Origin, key store.Key) {
	if p == nil || oc == nil {
		return
	}
	j := newProvable(x, oc, key)
	if j == nil || !j.c.Worth() || !p.take(key, time.Now()) {
		return
	}
	select {
	case p.queue <- j:
	default: // so much fails that this one will fail again
		p.mu.Lock()
		delete(p.recent, key)
		p.mu.Unlock()
	}
}

// take reports whether it is time to prove key, again or for the first time, and notes that it is done now.
func (p *prover) take(key store.Key, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.recent[key]; ok && now.Sub(at) < proveAgain {
		return false
	}
	if len(p.recent) >= proveRecent {
		for k, at := range p.recent {
			if now.Sub(at) >= proveAgain {
				delete(p.recent, k)
			}
		}
		if len(p.recent) >= proveRecent {
			return false
		}
	}
	p.recent[key] = now
	return true
}

func (p *prover) run(ctx context.Context) {
	defer close(p.done)
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-p.queue:
			p.prove(ctx, j)
		}
	}
}

func (p *prover) prove(ctx context.Context, j *provable) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("a proof panicked; please report this", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	if why := p.spared(j); why != "" {
		p.log.Info("cause not tried out", "site", j.key.Site, "origin", j.key.Origin, "cause", j.key.Cause, "why", why)
		return
	}
	d := counterfactual.Prove(ctx, p.bounds, j.c, j)
	if ctx.Err() != nil {
		return
	}
	p.log.Info("cause tried out", "site", j.key.Site, "origin", j.key.Origin, "cause", j.key.Cause, "request", j.id, "verdict", string(d.Verdict),
		"sentence", d.Sentence, "settings", d.YAML, "connections", d.Connections, "took", d.Took.Round(time.Millisecond).String())
	if d.Verdict == counterfactual.Demonstrated && p.keep != nil {
		p.keep.Proven(j.key, d.Sentence, d.YAML)
	}
}

// spared says why the origin is left alone, "" where it is not.
func (p *prover) spared(j *provable) string {
	if p.state == nil {
		return ""
	}
	s, ok := p.state(j.key.Site, j.url)
	switch {
	case !ok:
	case !s.Up:
		return "the server is left out as sick"
	case j.origin.MaxConnections > 0 && s.Open >= int64(j.origin.MaxConnections):
		return "max_connections are open"
	}
	return ""
}

// provable is one attempt that failed, as far as it can be repeated.
type provable struct {
	id     string // of the exchange
	key    store.Key
	c      counterfactual.Case
	origin config.Origin // a copy; its lists are shared and read only
	url    string        // configured
	addr   netip.AddrPort
	method string
	path   string
	host   string
}

// newProvable takes what can be repeated out of x: nil where that is nothing. A request that may change something, or has a body, is
// never repeated.
func newProvable(x *exchange.Exchange, oc *config.Origin, key store.Key) *provable {
	q := &x.Request
	if q.Method != "GET" && q.Method != "HEAD" || q.Length != 0 || q.Upgrade != "" || key == (store.Key{}) {
		return nil
	}
	a := failedAttempt(x)
	if a == nil || !a.Address.IsValid() || a.Sent == nil {
		return nil
	}
	j := &provable{id: x.ID, key: key, origin: *oc, url: a.URL, addr: a.Address, method: q.Method, path: a.Sent.Path, host: a.Sent.Authority}
	t := &oc.TLS
	j.c = counterfactual.Case{Reason: a.Reason, Finding: a.Finding, Did: counterfactual.Did{
		TLS: strings.HasPrefix(a.URL, "https:"), Reused: a.Reused, ALPN: slices.Clone(a.ALPNSent), ServerName: a.SNI, Names: namesFor(a, oc, key.Site),
		MaxVersion: t.MaxVersion, Version: a.TLSVersion, Profile: t.Profile, Groups: t.Groups, Renegotiation: t.Renegotiation,
		InsecureReneg: t.InsecureRenegotiation, Certificate: t.ClientCertificate != nil,
	}}
	if a.Reason == "" {
		j.c.Status = a.Status
	}
	return j
}

// failedAttempt is the last attempt that failed: for a reason, or by a status that the checks have a cause for.
func failedAttempt(x *exchange.Exchange) *exchange.Attempt {
	for i := len(x.Attempts) - 1; i >= 0; i-- {
		if a := &x.Attempts[i]; a.Reason != "" {
			if a.Reason == reason.OriginStatus4xx {
				continue
			}
			return a
		}
	}
	for i := len(x.Attempts) - 1; i >= 0; i-- {
		if a := &x.Attempts[i]; a.Finding != "" && a.Status >= 400 {
			return a
		}
	}
	return nil
}

// namesFor are other names by which the origin may know the site: that of the site's Host setting, of its URL, the site's own. Never those of
// the certificate that it showed: whoever answers would choose the name that is asked for, and verified.
func namesFor(a *exchange.Attempt, oc *config.Origin, site string) []string {
	var out []string
	add := func(n string) {
		n = strings.ToLower(n)
		if _, err := netip.ParseAddr(n); err == nil || n == "" || n == a.SNI || strings.ContainsAny(n, "*:/ ") || slices.Contains(out, n) {
			return
		}
		out = append(out, n)
	}
	add(oc.Host)
	add(hostOf(a.URL))
	add(site)
	return out
}
