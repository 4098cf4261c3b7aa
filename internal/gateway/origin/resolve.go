package origin

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/reason"
)

// How long an answer is believed, whatever its TTL says.
const (
	minTTL   = time.Second
	maxTTL   = time.Hour
	libTTL   = 30 * time.Second // where only the system's resolver can be asked
	staleFor = 10 * time.Minute // an old answer serves so long while the resolvers fail
	maxAddrs = 64
)

// resolver turns origin names into addresses and remembers them for their TTL. net.Resolver hides the TTL and the
// response code, so the queries are our own; names of the hosts file come first, as everywhere.
type resolver struct {
	servers []string // "ip:port"; none: the system's library is asked
	conf    *dns.ClientConfig
	now     func() time.Time

	mu    sync.Mutex
	cache map[string]*answer
	hosts hostsFile
}

type answer struct {
	addrs   []netip.Addr
	expires time.Time
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
	now := r.now()
	r.mu.Lock()
	a := r.cache[host]
	r.mu.Unlock()
	if a != nil && now.Before(a.expires) {
		return a.addrs, true, nil
	}
	if addrs := r.hosts.lookup(host); len(addrs) > 0 {
		return addrs, true, nil
	}
	fresh, err := r.ask(ctx, host)
	if err != nil {
		if a != nil && now.Before(a.expires.Add(staleFor)) && !authoritative(err) {
			return a.addrs, true, nil
		}
		return nil, false, err
	}
	r.mu.Lock()
	r.cache[host] = fresh
	r.mu.Unlock()
	return fresh.addrs, false, nil
}

// authoritative reports whether err says that the name is gone, rather than that nobody could be asked.
func authoritative(err error) bool {
	var r *reason.Error
	return errors.As(err, &r) && (r.Code == reason.DNSNXDomain || r.Code == reason.DNSNoAddress)
}

func (r *resolver) ask(ctx context.Context, host string) (*answer, error) {
	if len(r.servers) == 0 {
		return r.askLibrary(ctx, host)
	}
	var last error
	for _, name := range r.candidates(host) {
		a, err := r.query(ctx, name)
		if err == nil {
			return a, nil
		}
		last = err
		if !authoritative(err) {
			break
		}
	}
	return nil, last
}

// candidates applies the search list of resolv.conf(5).
func (r *resolver) candidates(host string) []string {
	full := dns.Fqdn(host)
	if r.conf == nil || strings.HasSuffix(host, ".") || len(r.conf.Search) == 0 {
		return []string{full}
	}
	var list []string
	for _, s := range r.conf.Search {
		list = append(list, dns.Fqdn(host+"."+s))
	}
	if strings.Count(host, ".") >= r.conf.Ndots {
		return append([]string{full}, list...)
	}
	return append(list, full)
}

// query asks for A and AAAA at once, of one server after the other.
func (r *resolver) query(ctx context.Context, name string) (*answer, error) {
	type result struct {
		msg *dns.Msg
		err error
	}
	var last error = reason.New(reason.DNSNoResolver, "", nil)
	for _, server := range r.servers {
		res := make(chan result, 1)
		go func() { // ends with ctx or the exchange's own timeout
			m, err := r.exchange(ctx, server, name, dns.TypeAAAA)
			res <- result{m, err}
		}()
		m4, err4 := r.exchange(ctx, server, name, dns.TypeA)
		six := <-res
		if err4 != nil && six.err != nil {
			last = dnsError(ctx, server, err4)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		a, err := r.merge(server, m4, six.msg)
		if err == nil || authoritative(err) {
			return a, err
		}
		last = err
	}
	return nil, last
}

func (r *resolver) exchange(ctx context.Context, server, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	q.SetEdns0(1232, false)
	c := &dns.Client{Timeout: 2 * time.Second}
	m, _, err := c.ExchangeContext(ctx, q, server)
	if err == nil && m.Truncated {
		c.Net = "tcp"
		m, _, err = c.ExchangeContext(ctx, q, server)
	}
	return m, err
}

func (r *resolver) merge(server string, msgs ...*dns.Msg) (*answer, error) {
	ttl := maxTTL
	a := &answer{}
	var v4, v6 []netip.Addr
	code := -1
	for _, m := range msgs {
		if m == nil {
			continue
		}
		if code < 0 || m.Rcode == dns.RcodeSuccess {
			code = m.Rcode
		}
		for _, rr := range m.Answer {
			ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second)
			switch rr := rr.(type) {
			case *dns.A:
				if ip, ok := netip.AddrFromSlice(rr.A.To4()); ok && len(v4) < maxAddrs {
					v4 = append(v4, ip)
				}
			case *dns.AAAA:
				if ip, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok && len(v6) < maxAddrs {
					v6 = append(v6, ip)
				}
			}
		}
	}
	a.addrs = interleave(v4, v6)
	a.expires = r.now().Add(max(minTTL, ttl))
	if len(a.addrs) > 0 {
		return a, nil
	}
	return nil, rcodeError(code, server)
}

// interleave mixes the families, so that a broken one costs one try and not all (RFC 8305 section 4); IPv4 first,
// because origins behind a proxy seldom have working IPv6 alone.
func interleave(v4, v6 []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, len(v4)+len(v6))
	for i := range max(len(v4), len(v6)) {
		if i < len(v4) {
			out = append(out, v4[i])
		}
		if i < len(v6) {
			out = append(out, v6[i])
		}
	}
	return out
}

func rcodeError(code int, server string) error {
	detail := "resolver " + server
	switch code {
	case dns.RcodeSuccess:
		return reason.New(reason.DNSNoAddress, detail, nil)
	case dns.RcodeNameError:
		return reason.New(reason.DNSNXDomain, detail, nil)
	case dns.RcodeServerFailure:
		return reason.New(reason.DNSServFail, detail, nil)
	case dns.RcodeRefused:
		return reason.New(reason.DNSRefused, detail, nil)
	}
	return reason.New(reason.DNSBadAnswer, dns.RcodeToString[code]+", "+detail, nil)
}

func dnsError(ctx context.Context, server string, err error) error {
	if r := ended(ctx); r != nil && !isTimeout(context.Cause(ctx)) && !isTimeout(ctx.Err()) {
		return r
	}
	var ne net.Error
	if isTimeout(err) || ctx.Err() != nil || (errors.As(err, &ne) && ne.Timeout()) {
		return reason.New(reason.DNSTimeout, "resolver "+server, err)
	}
	var oe *net.OpError
	if errors.As(err, &oe) {
		return reason.New(reason.DNSNoResolver, "resolver "+server, err)
	}
	return reason.New(reason.DNSBadAnswer, "resolver "+server, err)
}

// askLibrary is for systems without resolv.conf.
func (r *resolver) askLibrary(ctx context.Context, host string) (*answer, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, reason.FromNet(err, reason.PhaseConnect)
	}
	a := &answer{expires: r.now().Add(libTTL)}
	for _, ip := range addrs[:min(len(addrs), maxAddrs)] {
		a.addrs = append(a.addrs, ip.Unmap())
	}
	return a, nil
}

// hostsFile reads hosts(5), again when it has changed.
type hostsFile struct {
	path string

	mu      sync.Mutex
	checked time.Time
	mtime   time.Time
	names   map[string][]netip.Addr
}

func (h *hostsFile) lookup(host string) []netip.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.checked) > time.Second {
		h.checked = now
		if st, err := os.Stat(h.path); err == nil && !st.ModTime().Equal(h.mtime) && st.Size() < 16<<20 {
			h.mtime = st.ModTime()
			h.read()
		}
	}
	if a := h.names[host]; a != nil {
		return a
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	return nil
}

func (h *hostsFile) read() {
	b, err := os.ReadFile(h.path)
	if err != nil {
		return
	}
	h.names = map[string][]netip.Addr{}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		ip, err := netip.ParseAddr(f[0])
		if err != nil {
			continue
		}
		for _, name := range f[1:] {
			name = strings.ToLower(name)
			h.names[name] = append(h.names[name], ip)
		}
	}
}
