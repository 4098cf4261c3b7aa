package origin

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ask notes every question in asked.
func (r *resolver) ask(ctx context.Context, host string, asked *[]*fact.DNSLookup) (*answer, error) {
	if len(r.servers) == 0 {
		start := r.now()
		a, err := r.askLibrary(ctx, host)
		*asked = append(*asked, libraryLookup(host, r.now().Sub(start), a, err))
		return a, err
	}
	var last error
	for _, name := range r.candidates(host) {
		a, err := r.query(ctx, name, asked)
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
func (r *resolver) query(ctx context.Context, name string, asked *[]*fact.DNSLookup) (*answer, error) {
	type result struct {
		msg  *dns.Msg
		err  error
		took time.Duration
	}
	var last error = reason.New(reason.DNSNoResolver, "", nil)
	for _, server := range r.servers {
		res := make(chan result, 1)
		go func() { // ends with ctx or the exchange's own timeout
			start := r.now()
			m, err := r.exchange(ctx, server, name, dns.TypeAAAA)
			res <- result{m, err, r.now().Sub(start)}
		}()
		start := r.now()
		m4, err4 := r.exchange(ctx, server, name, dns.TypeA)
		took := r.now().Sub(start)
		six := <-res
		if len(*asked) < maxLookups {
			*asked = append(*asked, describeLookup(name, server, dns.TypeA, m4, err4, took), describeLookup(name, server, dns.TypeAAAA, six.msg, six.err, six.took))
		}
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
	detail := "resolver " + server
	if server == "" {
		detail = "waited for another exchange that asks"
	}
	if r := ended(ctx); r != nil && !isTimeout(context.Cause(ctx)) && !isTimeout(ctx.Err()) {
		return r
	}
	var ne net.Error
	if isTimeout(err) || ctx.Err() != nil || (errors.As(err, &ne) && ne.Timeout()) {
		return reason.New(reason.DNSTimeout, detail, err)
	}
	var oe *net.OpError
	if errors.As(err, &oe) {
		return reason.New(reason.DNSNoResolver, detail, err)
	}
	return reason.New(reason.DNSBadAnswer, detail, err)
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
