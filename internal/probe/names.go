package probe

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	lookupTimeout = 2 * time.Second
	maxResolvers  = 4
	resolvConf    = "/etc/resolv.conf"
	hostsFile     = "/etc/hosts"
)

// names looks the host up: hosts file, then every resolver, both families. The hosts file overrules, as it does for the gateway.
func (c *climb) names() bool {
	if a, ok := c.cfg.Target.literal(); ok {
		c.say("address", Said, "given, "+a.String()+": no name was looked up")
		return c.reach([]netip.Addr{a})
	}
	host := strings.TrimSuffix(c.cfg.Target.Host, ".")
	if addrs := inHosts(hostsFile, host); len(addrs) > 0 {
		c.tell(fact.Fact{Kind: fact.DNSAnswer, At: time.Now(), Text: joined(addrs), Size: int64(len(addrs)),
			Detail: &fact.DNSLookup{Name: host, Type: "A", Resolver: "hosts", Addresses: texts(addrs), TTL: -1, Own: texts(c.among(addrs))}})
		c.say("hosts file", Good, joined(addrs)+", which overrules DNS")
		return c.reach(addrs)
	}
	resolvers := c.cfg.Resolvers
	if len(resolvers) == 0 {
		resolvers = system(resolvConf)
	}
	if len(resolvers) == 0 {
		return c.reach(c.library(host))
	}
	resolvers = resolvers[:min(len(resolvers), maxResolvers)]
	answers := c.askAll(host, resolvers)
	var addrs []netip.Addr
	for i, r := range resolvers {
		addrs = append(addrs, c.compare(r, answers[2*i:2*i+2])...)
	}
	return c.reach(addrs)
}

// askAll asks every resolver for both families at once.
func (c *climb) askAll(host string, resolvers []netip.AddrPort) []*fact.DNSLookup {
	out := make([]*fact.DNSLookup, 2*len(resolvers))
	var wg sync.WaitGroup
	for i, r := range resolvers {
		for j, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			wg.Go(func() { out[2*i+j] = lookup(c.ctx, r, host, qtype) })
		}
	}
	wg.Wait()
	return out
}

// lookup asks one resolver one question, twice where nothing comes.
func lookup(ctx context.Context, resolver netip.AddrPort, host string, qtype uint16) *fact.DNSLookup {
	l := &fact.DNSLookup{Name: host, Type: dns.TypeToString[qtype], Resolver: resolver.String(), TTL: -1}
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(host), qtype)
	q.SetEdns0(1232, false)
	begun := time.Now()
	var m *dns.Msg
	var err error
	for range 2 {
		client := dns.Client{Timeout: lookupTimeout}
		if m, _, err = client.ExchangeContext(ctx, q, resolver.String()); err == nil && m.Truncated {
			client.Net = "tcp"
			m, _, err = client.ExchangeContext(ctx, q, resolver.String())
		}
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	l.Took = time.Since(begun).Nanoseconds()
	if err != nil {
		l.RCode = "timeout"
		if !timedOut(err) {
			l.RCode = "unreachable"
		}
		return l
	}
	if len(m.Question) != 1 || m.Question[0].Qtype != qtype || !strings.EqualFold(m.Question[0].Name, q.Question[0].Name) {
		l.RCode = string(reason.DNSBadAnswer) // to another question
		return l
	}
	l.RCode = dns.RcodeToString[m.Rcode]
	owners := []string{q.Question[0].Name}
	for _, rr := range m.Answer[:min(len(m.Answer), 64)] {
		if !slices.ContainsFunc(owners, func(o string) bool { return strings.EqualFold(o, rr.Header().Name) }) {
			continue // of a name that was not asked for
		}
		ttl := int(rr.Header().Ttl)
		if l.TTL < 0 || ttl < l.TTL {
			l.TTL = ttl
		}
		switch rr := rr.(type) {
		case *dns.A:
			l.Addresses = append(l.Addresses, rr.A.String())
		case *dns.AAAA:
			l.Addresses = append(l.Addresses, rr.AAAA.String())
		case *dns.CNAME:
			l.CNAMEs, owners = append(l.CNAMEs, rr.Target), append(owners, rr.Target)
		}
	}
	return l
}

// compare tells what one resolver said, and returns the addresses.
func (c *climb) compare(resolver netip.AddrPort, answers []*fact.DNSLookup) []netip.Addr {
	var addrs []netip.Addr
	var parts []string
	for _, l := range answers {
		got := parsed(l.Addresses)
		l.Own = texts(c.among(got))
		addrs = append(addrs, got...)
		f := fact.Fact{Kind: fact.DNSAnswer, At: time.Now(), Text: strings.Join(l.Addresses, ","), Size: int64(len(got)), Detail: l}
		if l.RCode != "NOERROR" {
			f.Kind, f.Text = fact.DNSFailed, l.RCode
			parts = append(parts, l.Type+" "+l.RCode)
		} else if len(got) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s (TTL %d s)", l.Type, strings.Join(l.Addresses, " "), l.TTL))
		} else if len(l.CNAMEs) > 0 {
			parts = append(parts, l.Type+" none, alias of "+l.CNAMEs[0])
		}
		c.tell(f)
	}
	mark, text := Good, strings.Join(parts, ", ")
	if len(addrs) == 0 {
		mark, text = Bad, cmp.Or(text, "no address")
	}
	slowest := max(answers[0].Took, answers[1].Took)
	c.say("resolver "+resolver.String(), mark, text+", "+span(time.Duration(slowest)))
	return addrs
}

// library asks the system where it has no resolv.conf.
func (c *climb) library(host string) []netip.Addr {
	begun := time.Now()
	ctx, stop := context.WithTimeout(c.ctx, 2*lookupTimeout)
	defer stop()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	l := &fact.DNSLookup{Name: host, Type: "A", TTL: -1, Took: time.Since(begun).Nanoseconds()}
	if err != nil {
		l.RCode = "timeout"
		if !timedOut(err) {
			l.RCode = "NXDOMAIN"
		}
		c.tell(fact.Fact{Kind: fact.DNSFailed, At: time.Now(), Text: l.RCode, Detail: l})
		c.say("system", Bad, l.RCode)
		return nil
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	l.Addresses, l.Own, l.RCode = texts(addrs), texts(c.among(addrs)), "NOERROR"
	c.tell(fact.Fact{Kind: fact.DNSAnswer, At: time.Now(), Text: joined(addrs), Size: int64(len(addrs)), Detail: l})
	c.say("system", Good, joined(addrs))
	return addrs
}

// reach takes over the addresses; without any, the climb ends.
func (c *climb) reach(addrs []netip.Addr) bool {
	var seen []netip.Addr
	for _, v4 := range []bool{true, false} { // IPv4 first, as the gateway does
		for _, a := range addrs {
			if a = a.Unmap(); a.Is4() == v4 && !slices.Contains(seen, a) && len(seen) < maxAddresses {
				seen = append(seen, a)
			}
		}
	}
	c.report.Addresses = seen
	for _, a := range seen {
		if err := c.permitted(a); err != nil {
			c.say("address", Bad, err.Error())
			continue
		}
		c.addrs = append(c.addrs, netip.AddrPortFrom(a, c.cfg.Target.Port))
	}
	return len(c.addrs) > 0
}

// again looks a name up once more where its addresses took no connection: an old answer may have been one too many.
func (c *climb) again() {
	if _, literal := c.cfg.Target.literal(); literal || c.ctx.Err() != nil {
		return
	}
	host := strings.TrimSuffix(c.cfg.Target.Host, ".")
	resolvers := c.cfg.Resolvers
	if len(resolvers) == 0 {
		resolvers = system(resolvConf)
	}
	resolvers = resolvers[:min(len(resolvers), maxResolvers)]
	for i, answers := 0, c.askAll(host, resolvers); i < len(resolvers); i++ {
		c.compare(resolvers[i], answers[2*i:2*i+2])
	}
}

// among are those of addrs that this machine has.
func (c *climb) among(addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if slices.Contains(c.own, a) {
			out = append(out, a)
		}
	}
	return out
}

func ownAddresses() []netip.Addr {
	var out []netip.Addr
	nets, _ := net.InterfaceAddrs()
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out
}

// system are the resolvers of resolv.conf(5).
func system(path string) []netip.AddrPort {
	conf, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil
	}
	var out []netip.AddrPort
	for _, s := range conf.Servers {
		if a, err := netip.ParseAddrPort(net.JoinHostPort(s, conf.Port)); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// inHosts are the addresses that hosts(5) has for host; localhost is always there (RFC 6761 section 6.3).
func inHosts(path, host string) []netip.Addr {
	var out []netip.Addr
	if f, err := os.Open(path); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			line, _, _ := strings.Cut(s.Text(), "#")
			fields := strings.Fields(line)
			if len(fields) < 2 || !slices.ContainsFunc(fields[1:], func(n string) bool { return strings.EqualFold(n, host) }) {
				continue
			}
			if a, err := netip.ParseAddr(fields[0]); err == nil {
				out = append(out, a.Unmap())
			}
		}
	}
	if len(out) == 0 && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return out
}

func parsed(texts []string) []netip.Addr {
	var out []netip.Addr
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil {
			out = append(out, a.Unmap())
		}
	}
	return out
}

func texts(addrs []netip.Addr) []string {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

func joined(addrs []netip.Addr) string { return strings.Join(texts(addrs), ", ") }
