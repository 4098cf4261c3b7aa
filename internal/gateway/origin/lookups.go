package origin

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/fact"
)

// maxLookups bounds the questions about one name that are remembered.
const maxLookups = 16

// noteLookups puts into the record how the endpoint's name was looked up. failed is the reason where that is all that is known.
func (d *dialer) noteLookups(failed string) {
	at := d.o.now()
	lookups := d.o.resolver.lookups(d.ep.url.host)
	for _, l := range lookups {
		f := fact.Fact{Kind: fact.DNSAnswer, At: at, Size: int64(len(l.Addresses)), Text: strings.Join(l.Addresses, ","), Detail: l}
		if len(l.Addresses) == 0 {
			f.Kind, f.Text = fact.DNSFailed, cmp.Or(l.RCode, failed)
		}
		d.a.Facts = append(d.a.Facts, f)
	}
	if len(lookups) == 0 && failed != "" {
		d.a.Facts = append(d.a.Facts, fact.Fact{Kind: fact.DNSFailed, At: at, Text: failed})
	}
}

// lookups are the questions that led to what is known of host.
func (r *resolver) lookups(host string) []*fact.DNSLookup {
	if addrs := r.hosts.lookup(host); len(addrs) > 0 {
		l := &fact.DNSLookup{Name: host, Type: "A", Resolver: "hosts", TTL: -1, RCode: "NOERROR"}
		l.Addresses, l.Own = texts(addrs)
		return []*fact.DNSLookup{l}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.cache[host]; a != nil {
		return slices.Clone(a.asked)
	}
	return nil
}

// describeLookup puts one question and its answer into words.
func describeLookup(name, server string, qtype uint16, m *dns.Msg, err error, took time.Duration) *fact.DNSLookup {
	l := &fact.DNSLookup{Name: strings.TrimSuffix(name, "."), Type: dns.TypeToString[qtype], Resolver: server, TTL: -1, Took: took.Nanoseconds()}
	if err != nil || m == nil {
		if timedOut(err) {
			l.RCode = "timeout"
		}
		return l
	}
	l.RCode = dns.RcodeToString[m.Rcode]
	var addrs []netip.Addr
	for _, rr := range m.Answer[:min(len(m.Answer), 2*maxAddrs)] {
		if ttl := int(rr.Header().Ttl); l.TTL < 0 || ttl < l.TTL {
			l.TTL = ttl
		}
		switch rr := rr.(type) {
		case *dns.A:
			if ip, ok := netip.AddrFromSlice(rr.A.To4()); ok {
				addrs = append(addrs, ip)
			}
		case *dns.AAAA:
			if ip, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
				addrs = append(addrs, ip)
			}
		case *dns.CNAME:
			l.CNAMEs = append(l.CNAMEs, strings.TrimSuffix(rr.Target, "."))
		}
	}
	l.Addresses, l.Own = texts(addrs)
	return l
}

func libraryLookup(host string, took time.Duration, a *answer, err error) *fact.DNSLookup {
	l := &fact.DNSLookup{Name: host, Type: "A", TTL: -1, Took: took.Nanoseconds(), RCode: "NOERROR"}
	if err == nil {
		l.Addresses, l.Own = texts(a.addrs)
		return l
	}
	var e *net.DNSError
	switch l.RCode = ""; {
	case timedOut(err):
		l.RCode = "timeout"
	case errors.As(err, &e) && e.IsNotFound:
		l.RCode = "NXDOMAIN"
	case e != nil && e.IsTemporary:
		l.RCode = "SERVFAIL"
	}
	return l
}

// texts are addresses in words, and those of them that are this machine's.
func texts(addrs []netip.Addr) (all, own []string) {
	if len(addrs) == 0 {
		return nil, nil
	}
	ours, _ := net.InterfaceAddrs() // none are known where it fails
	for _, a := range addrs[:min(len(addrs), maxAddrs)] {
		all = append(all, a.String())
		if slices.ContainsFunc(ours, func(o net.Addr) bool { return isAddr(o, a) }) {
			own = append(own, a.String())
		}
	}
	return all, own
}

func isAddr(o net.Addr, a netip.Addr) bool {
	n, ok := o.(*net.IPNet)
	if !ok {
		return false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	return ok && ip.Unmap() == a
}

// timedOut reports whether nobody answered in time.
func timedOut(err error) bool {
	var ne net.Error
	return isTimeout(err) || errors.As(err, &ne) && ne.Timeout()
}
