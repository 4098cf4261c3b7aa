package origin

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// How long an answer is believed, whatever its TTL says.
const (
	minTTL   = time.Second
	maxTTL   = time.Hour
	libTTL   = 30 * time.Second // where only the system's resolver can be asked
	staleFor = 10 * time.Minute // an old answer serves so long while the resolvers fail
	maxAddrs = 64
	maxNames = 1024

	negativeTTL = time.Second // how long a failure is believed
)

// resolver turns origin names into addresses and remembers them for their TTL. net.Resolver hides the TTL and the
// response code, so the queries are our own; names of the hosts file come first, as everywhere.
type resolver struct {
	servers []string // "ip:port"; none: the system's library is asked
	conf    *dns.ClientConfig
	now     func() time.Time
	hosts   hostsFile

	mu    sync.Mutex
	cache map[string]*answer
}

// answer is what is known of one name. Who asks for it while somebody is asking already waits for that.
type answer struct {
	addrs   []netip.Addr
	expires time.Time
	err     error     // of the last try to ask; believed until again
	again   time.Time // when to ask next, after an error
	asking  chan struct{}
	asked   []*fact.DNSLookup // the questions that led to it
}

func newResolver(servers []string, now func() time.Time) *resolver {
	r := &resolver{now: now, cache: map[string]*answer{}, hosts: hostsFile{path: "/etc/hosts"}}
	r.conf, _ = dns.ClientConfigFromFile("/etc/resolv.conf")
	switch {
	case len(servers) > 0:
		r.servers = servers
	case r.conf != nil:
		for _, s := range r.conf.Servers {
			r.servers = append(r.servers, net.JoinHostPort(s, r.conf.Port))
		}
	}
	return r
}

// lookup returns the addresses of host, and false for cached when it had to ask. The error is a *reason.Error.
func (r *resolver) lookup(ctx context.Context, host string) (addrs []netip.Addr, cached bool, err error) {
	for {
		if addrs := r.hosts.lookup(host); len(addrs) > 0 {
			return addrs, true, nil
		}
		a, mine := r.known(host)
		switch {
		case mine:
			return r.refresh(ctx, host, a)
		case a.asking == nil:
			addrs, err := a.usable(r.now())
			return addrs, true, err
		}
		select {
		case <-a.asking:
		case <-ctx.Done():
			return nil, false, dnsError(ctx, "", ctx.Err())
		}
	}
}

// known returns a copy of what is known of host; mine says that the caller has to ask.
func (r *resolver) known(host string) (_ answer, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.cache[host]
	if a == nil {
		r.makeRoomLocked()
		a = new(answer)
		r.cache[host] = a
	}
	now := r.now()
	if a.asking != nil || now.Before(a.expires) || now.Before(a.again) {
		return *a, false
	}
	a.asking = make(chan struct{})
	return *a, true
}

// refresh asks, and wakes those who waited for it.
func (r *resolver) refresh(ctx context.Context, host string, old answer) ([]netip.Addr, bool, error) {
	var asked []*fact.DNSLookup
	fresh, err := r.ask(ctx, host, &asked)
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(old.asking)
	if err == nil {
		fresh.asked = asked
		r.cache[host] = fresh
		return fresh.addrs, false, nil
	}
	failed := &answer{addrs: old.addrs, expires: old.expires, err: err, again: now.Add(negativeTTL), asked: asked}
	if ctx.Err() != nil && !isTimeout(ctx.Err()) {
		failed.again = time.Time{} // the client left: that says nothing about the name
	}
	if authoritative(err) {
		failed.addrs = nil
	}
	r.cache[host] = failed
	addrs, err := failed.usable(now)
	return addrs, err == nil, err
}

// usable returns the addresses while they are good: for their time to live, and longer while nobody can be asked.
func (a *answer) usable(now time.Time) ([]netip.Addr, error) {
	if now.Before(a.expires) || (len(a.addrs) > 0 && now.Before(a.expires.Add(staleFor))) {
		return a.addrs, nil
	}
	return nil, a.err
}

// makeRoomLocked bounds the cache; origin names come from the configuration, so that this is for a mistake there.
func (r *resolver) makeRoomLocked() {
	for host, a := range r.cache {
		if len(r.cache) < maxNames {
			return
		}
		if a.asking == nil {
			delete(r.cache, host)
		}
	}
}

// authoritative reports whether err says that the name is gone, rather than that nobody could be asked.
func authoritative(err error) bool {
	var r *reason.Error
	return errors.As(err, &r) && (r.Code == reason.DNSNXDomain || r.Code == reason.DNSNoAddress)
}
