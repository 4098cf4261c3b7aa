package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/reason"
)

// resolver is a DNS server on loopback that answers from a table.
type resolver struct {
	addr string

	mu    sync.Mutex
	zone  map[string][]dns.RR // by "name. TYPE"
	rcode map[string]int      // by name; -1: silence
	asked map[string]int      // by "name. TYPE"
}

func newResolver(t testing.TB) *resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &resolver{addr: pc.LocalAddr().String(), zone: map[string][]dns.RR{}, rcode: map[string]int{}, asked: map[string]int{}}
	s := &dns.Server{PacketConn: pc, Handler: r}
	up, done := make(chan struct{}), make(chan error, 1)
	s.NotifyStartedFunc = func() { close(up) }
	go func() { done <- s.ActivateAndServe() }()
	<-up
	t.Cleanup(func() { _ = s.Shutdown(); <-done })
	return r
}

// set says what a name resolves to from now on: addresses of both families.
func (r *resolver) set(name string, ttl int, addrs ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name += "."
	delete(r.zone, name+" A")
	delete(r.zone, name+" AAAA")
	for _, a := range addrs {
		kind := "A"
		if netip.MustParseAddr(a).Is6() {
			kind = "AAAA"
		}
		rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", name, ttl, kind, a))
		if err != nil {
			panic(err)
		}
		r.zone[name+" "+kind] = append(r.zone[name+" "+kind], rr)
	}
}

func (r *resolver) fail(name string, rcode int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rcode[name+"."] = rcode
}

func (r *resolver) count(question string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[question]
}

// ServeDNS implements dns.Handler.
func (r *resolver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strings.ToLower(q.Question[0].Name)
	kind := dns.TypeToString[q.Question[0].Qtype]
	r.asked[name+" "+kind]++
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	switch code, ok := r.rcode[name]; {
	case code < 0:
		return
	case ok:
		m.Rcode = code
	case r.zone[name+" A"] == nil && r.zone[name+" AAAA"] == nil:
		m.Rcode = dns.RcodeNameError
	default:
		m.Answer = r.zone[name+" "+kind]
	}
	_ = w.WriteMsg(m)
}

// TestDNSReasons gives each way in which a name does not resolve its own reason.
func TestDNSReasons(t *testing.T) {
	t.Parallel()
	r := newResolver(t)
	r.fail("servfail.dns.test", dns.RcodeServerFailure)
	r.fail("refused.dns.test", dns.RcodeRefused)
	r.fail("silent.dns.test", -1)
	r.fail("empty.dns.test", dns.RcodeSuccess)
	p := newPKI(t, "*.o.test")
	cases := []originCase{
		{name: "nxdomain", reason: reason.DNSNXDomain},
		{name: "servfail", reason: reason.DNSServFail},
		{name: "refused", reason: reason.DNSRefused},
		{name: "silent", reason: reason.DNSTimeout},
		{name: "empty", reason: reason.DNSNoAddress},
	}
	for i := range cases {
		c := &cases[i]
		c.url, c.status = "http://"+c.name+".dns.test", reason.Lookup(c.reason).Status
		c.more = fmt.Sprintf(", resolver: [%q]", r.addr)
	}
	cases = append(cases, originCase{name: "no-resolver", url: "http://any.dns.test", status: reason.Lookup(reason.DNSNoResolver).Status,
		reason: reason.DNSNoResolver, more: fmt.Sprintf(", resolver: [%q]", closedPort(t))})
	checkOrigins(t, p, cases)
}

// TestDNSAddresses uses A and AAAA records, goes on to the next address where one does not answer, and asks again when the
// time to live is over.
func TestDNSAddresses(t *testing.T) {
	t.Parallel()
	r := newResolver(t)
	p := newPKI(t, "*.o.test")
	s := goOrigin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one") })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	second, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skipf("a second loopback address: %v", err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "two") })}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(second) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })

	var yaml strings.Builder
	for _, name := range []string{"both", "dead-first", "expiring", "lasting"} {
		yaml.WriteString(p.site(name+".o.test", fmt.Sprintf("\n    origin: {urls: [\"http://%s.dns.test:%s\"], resolver: [%q], timeouts: {keepalive_idle: 0s}}\n    waf: {mode: \"off\"}\n", name, port, r.addr)))
	}
	r.set("both.dns.test", 60, "::1", "127.0.0.1") // nobody listens on ::1
	r.set("dead-first.dns.test", 60, "127.0.0.3", "127.0.0.4", "127.0.0.1")
	r.set("expiring.dns.test", 1, "127.0.0.1")
	r.set("lasting.dns.test", 3600, "127.0.0.1")
	g := start(t, listens+"sites:\n"+yaml.String())
	c := g.client(t, false)
	for _, name := range []string{"both", "dead-first"} {
		if a := get(t, c, "https://"+name+".o.test/"+name); a.status != 200 || a.body != "one" {
			t.Errorf("%s: %d %s", name, a.status, a.header.Get("Proxy-Status"))
		}
	}
	if rec := g.log.path(t, "/both"); rec.Attempts[0].DNSMS == nil || r.count("both.dns.test. A") != 1 || r.count("both.dns.test. AAAA") != 1 {
		t.Errorf("A asked %d times, AAAA %d", r.count("both.dns.test. A"), r.count("both.dns.test. AAAA"))
	}
	if rec := g.log.path(t, "/dead-first"); len(rec.Attempts) < 2 || rec.Attempts[0].Reason != "tcp.refused" {
		t.Errorf("attempts %+v", rec.Attempts)
	}
	for _, name := range []string{"expiring", "lasting"} {
		if a := get(t, c, "https://"+name+".o.test/"); a.body != "one" {
			t.Errorf("%s: %d %q", name, a.status, a.body)
		}
		r.set(name+".dns.test", 3600, "127.0.0.2")
	}
	until(t, "the new address is used", func() bool { return get(t, c, "https://expiring.o.test/").body == "two" })
	if a := get(t, c, "https://lasting.o.test/"); a.body != "one" || r.count("lasting.dns.test. A") != 1 {
		t.Errorf("an answer that lasts was asked for again: %q, %d questions", a.body, r.count("lasting.dns.test. A"))
	}
	// A resolver that fails later does not take the site down: the old answer is better than none.
	for _, name := range []string{"expiring", "lasting"} {
		r.fail(name+".dns.test", dns.RcodeServerFailure)
		if a := get(t, c, "https://"+name+".o.test/"); a.status != 200 {
			t.Errorf("%s after the resolver failed: %d", name, a.status)
		}
	}
}
