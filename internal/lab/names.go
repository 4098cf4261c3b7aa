package lab

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/reason"
)

// resolver fills in an answer to the n-th question for a type, n from 1; false: there is none.
type resolver func(n uint64, q dns.Question, m *dns.Msg) bool

// The addresses that names lead to: the origin's own, and one where it does not listen.
const (
	ownAddress  = "127.0.0.1"
	deadAddress = "127.0.0.2"
)

// nameFaults lie in the resolver, which answers at Origin.Resolver; the origin itself is well.
func nameFaults() []fault {
	one := func(name, does string, f Fault, r resolver) fault {
		f.Name, f.Does, f.Ask = name, does, Resolve
		return fault{Fault: f, names: r}
	}
	return []fault{
		one("dns-nxdomain", "the name does not exist", is("", "", reason.DNSNXDomain, "dns.name_not_found"), rcode(dns.RcodeNameError)),
		one("dns-no-address", "the name exists and has no address", is("", "", reason.DNSNoAddress, "dns.name_not_found"), rcode(dns.RcodeSuccess)),
		one("dns-servfail", "the resolver fails", is("", "", reason.DNSServFail, "dns.resolver_failing"), rcode(dns.RcodeServerFailure)),
		one("dns-refused", "the resolver refuses to answer us", is("", "", reason.DNSRefused, "dns.resolver_failing"), rcode(dns.RcodeRefused)),
		one("dns-silent", "the resolver does not answer", is("", "", reason.DNSTimeout, "dns.resolver_failing"),
			func(uint64, dns.Question, *dns.Msg) bool { return false }),
		one("dns-stale", "the first answer is an address that the origin has left, good for five minutes; the next is right",
			is("", "", reason.TCPRefused, "tcp.refused").probed("dns.stale_address"), addresses(func(n uint64) ([]string, uint32) {
				if n == 1 {
					return []string{deadAddress}, 300
				}
				return []string{ownAddress}, 300
			})),
		one("dns-flapping", "every second answer is an address where nobody listens", is("", "", reason.TCPRefused, "tcp.refused"),
			addresses(func(n uint64) ([]string, uint32) { return []string{[2]string{ownAddress, deadAddress}[n%2]}, 0 })),
		one("dns-one-dead", "two addresses, and at the first one nobody listens", is("", "", "", "").probed("tcp.refused"),
			addresses(func(uint64) ([]string, uint32) { return []string{deadAddress, ownAddress}, 60 })),
		one("dns-ipv6-broken", "an AAAA record beside the A record, and at ::1 nobody listens", is("", "", "", "").probed("dns.ipv6_path_broken"), brokenIPv6),
		nodesDiffer(),
	}
}

func rcode(code int) resolver {
	return func(_ uint64, _ dns.Question, m *dns.Msg) bool { m.Rcode = code; return true }
}

// addresses answers A questions with a list and its TTL in seconds, others with nothing.
func addresses(list func(n uint64) ([]string, uint32)) resolver {
	return func(n uint64, q dns.Question, m *dns.Msg) bool {
		if q.Qtype != dns.TypeA {
			return true
		}
		all, ttl := list(n)
		for _, a := range all {
			m.Answer = append(m.Answer, &dns.A{Hdr: header(q, ttl), A: net.ParseIP(a)})
		}
		return true
	}
}

func brokenIPv6(_ uint64, q dns.Question, m *dns.Msg) bool {
	switch q.Qtype {
	case dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: header(q, 60), A: net.ParseIP(ownAddress)})
	case dns.TypeAAAA:
		m.Answer = append(m.Answer, &dns.AAAA{Hdr: header(q, 60), AAAA: net.IPv6loopback})
	}
	return true
}

func header(q dns.Question, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: ttl}
}

// nodesDiffer is an origin of two nodes, of which the second still shows its old certificate.
func nodesDiffer() fault {
	f := is("cert-differs-between-nodes", "two addresses, and at the second one the certificate is the old one", "", "").probed("cert.differs_between_nodes").asked(Resolve)
	return fault{Fault: f, second: true,
		names: addresses(func(uint64) ([]string, uint32) { return []string{ownAddress, deadAddress}, 60 }),
		setup: func(c *Config) (err error) {
			c.old, err = c.CA.Issue(certs.Options{Names: c.Names, Key: certs.RSA, Expired: true})
			return err
		}}
}

// serveNames answers questions on a UDP and a TCP port of the same number until it is told to stop.
func serveNames(answer resolver) (addr string, stop func(), err error) {
	pc, ln, err := samePort()
	if err != nil {
		return "", nil, err
	}
	var asked [1 << 8]atomic.Uint64 // by type; those of a number above count together
	handle := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		if len(r.Question) != 1 {
			return
		}
		m := new(dns.Msg).SetReply(r)
		m.RecursionAvailable = true
		q := r.Question[0]
		if answer(asked[min(q.Qtype, 255)].Add(1), q, m) {
			_ = w.WriteMsg(m)
		}
	})
	var wg sync.WaitGroup
	servers := []*dns.Server{{PacketConn: pc, Handler: handle}, {Listener: ln, Handler: handle}}
	for _, s := range servers {
		started := make(chan struct{})
		s.NotifyStartedFunc = sync.OnceFunc(func() { close(started) })
		wg.Go(func() { _ = s.ActivateAndServe() })
		<-started
	}
	return pc.LocalAddr().String(), func() {
		for _, s := range servers {
			_ = s.Shutdown()
		}
		wg.Wait()
	}, nil
}

// samePort listens on a free port that UDP and TCP both have.
func samePort() (net.PacketConn, net.Listener, error) {
	var last error
	for range 20 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		pc, err := net.ListenPacket("udp", ln.Addr().String())
		if err == nil {
			return pc, ln, nil
		}
		last = err
		_ = ln.Close()
	}
	return nil, nil, fmt.Errorf("listen for names: %w", last)
}

// atPort is addr with another host.
func atPort(host, addr string) string {
	_, port, _ := strings.Cut(addr, ":")
	if _, err := strconv.Atoi(port); err != nil {
		return addr
	}
	return net.JoinHostPort(host, port)
}
