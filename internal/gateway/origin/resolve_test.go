package origin

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// nameServer answers on loopback as answer says; it counts the questions for A.
type nameServer struct {
	addr  string
	asked atomic.Int32
}

func startNameServer(t *testing.T, answer func(q dns.Question, m *dns.Msg)) *nameServer {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{addr: pc.LocalAddr().String()}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Qtype == dns.TypeA {
			n.asked.Add(1)
		}
		m := new(dns.Msg)
		m.SetReply(q)
		answer(q.Question[0], m)
		_ = w.WriteMsg(m)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = pc.Close(); <-done })
	return n
}

func (n *nameServer) resolver(now func() time.Time) *resolver {
	r := newResolver([]string{n.addr}, now)
	r.conf, r.hosts.path = nil, os.DevNull
	return r
}

func addressRecord(name, ip string, ttl uint32) dns.RR {
	return &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: net.ParseIP(ip)}
}

// clock is a time that a test sets.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.ns.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.ns.Load()) }
func (c *clock) pass(d time.Duration) { c.ns.Add(int64(d)) }

func TestResolverCache(t *testing.T) {
	var down atomic.Bool
	n := startNameServer(t, func(q dns.Question, m *dns.Msg) {
		switch {
		case down.Load():
			m.Rcode = dns.RcodeServerFailure
		case q.Qtype == dns.TypeA:
			m.Answer = append(m.Answer, addressRecord(q.Name, "192.0.2.1", 60))
		}
	})
	c := newClock()
	r := n.resolver(c.now)
	ask := func(wantCached bool) {
		t.Helper()
		addrs, cached, err := r.lookup(t.Context(), "a.test")
		if err != nil || cached != wantCached || len(addrs) != 1 || addrs[0] != netip.MustParseAddr("192.0.2.1") {
			t.Fatalf("got %v, cached %v, %v", addrs, cached, err)
		}
	}
	ask(false)
	ask(true)
	c.pass(61 * time.Second)
	ask(false)
	c.pass(61 * time.Second)
	down.Store(true)
	ask(true) // an old answer is better than none
	asked := n.asked.Load()
	ask(true)
	if n.asked.Load() != asked {
		t.Error("a failure is not believed for a second")
	}
	c.pass(2 * time.Second)
	ask(true)
	if n.asked.Load() == asked {
		t.Error("nobody was asked again")
	}
	c.pass(staleFor)
	if _, _, err := r.lookup(t.Context(), "a.test"); reason.Of(err) == nil || reason.Of(err).Code != reason.DNSServFail {
		t.Errorf("got %v", err)
	}
}

func TestResolverAsksOnce(t *testing.T) {
	hold := make(chan struct{})
	n := startNameServer(t, func(q dns.Question, m *dns.Msg) {
		<-hold
		if q.Qtype == dns.TypeA {
			m.Answer = append(m.Answer, addressRecord(q.Name, "192.0.2.1", 60))
		}
	})
	r := n.resolver(time.Now)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if addrs, _, err := r.lookup(t.Context(), "a.test"); err != nil || len(addrs) != 1 {
				t.Errorf("got %v %v", addrs, err)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason.New(reason.ClientGone, "", nil))
	if _, _, err := r.lookup(ctx, "a.test"); reason.Of(err) == nil || reason.Of(err).Code != reason.ClientGone {
		t.Errorf("a client that left got %v", err)
	}
	close(hold)
	wg.Wait()
	if got := n.asked.Load(); got > 2 { // one, and one more where the client that left was the first to ask
		t.Errorf("asked %d times", got)
	}
}

func TestResolverReasons(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	rcode := func(code int) string {
		return startNameServer(t, func(_ dns.Question, m *dns.Msg) { m.Rcode = code }).addr
	}
	for _, c := range []struct {
		name, server string
		want         reason.Code
	}{
		{"nxdomain", rcode(dns.RcodeNameError), reason.DNSNXDomain},
		{"no address", rcode(dns.RcodeSuccess), reason.DNSNoAddress},
		{"servfail", rcode(dns.RcodeServerFailure), reason.DNSServFail},
		{"refused", rcode(dns.RcodeRefused), reason.DNSRefused},
		{"odd code", rcode(dns.RcodeNotImplemented), reason.DNSBadAnswer},
		{"silence", silent.LocalAddr().String(), reason.DNSTimeout},
		{"nobody there", "127.0.0.1:1", reason.DNSNoResolver},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrigin(t, Config{URLs: []string{"http://no.such.test."}, Resolvers: []string{c.server}, Timeouts: soon(c.want)})
			x := newExchange("GET", "/", "")
			_, _, err := fetch(t, o, x)
			wantCode(t, x, err, c.want)
			if a := x.Attempts[0]; a.DNS <= 0 || countFacts(a.Facts, fact.DNSFailed) != 2 {
				t.Errorf("record %+v", a)
			}
		})
	}
}

func TestHostsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("192.0.2.7 Shop.test www # comment\n\nnonsense\n2001:db8::7 shop.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := hostsFile{path: path}
	if got := h.lookup("shop.test"); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	if got := h.lookup("a.localhost"); len(got) != 2 || !got[0].IsLoopback() {
		t.Errorf("got %v", got)
	}
	if got := h.lookup("comment"); got != nil {
		t.Errorf("got %v", got)
	}
}

// TestSeveralAddresses: a dead address is tried once, recorded, and comes last for a while.
func TestSeveralAddresses(t *testing.T) {
	addr := rawServer(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	_, port, _ := net.SplitHostPort(addr)
	n := startNameServer(t, func(q dns.Question, m *dns.Msg) {
		if q.Qtype == dns.TypeA {
			for _, ip := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"} { // nobody listens on the first three
				m.Answer = append(m.Answer, addressRecord(q.Name, ip, 60))
			}
		}
	})
	o := newOrigin(t, Config{URLs: []string{"http://many.test:" + port}, Resolvers: []string{n.addr}, Retries: -1})
	x := newExchange("POST", "/", "")
	status, _, err := fetch(t, o, x)
	if status != 200 || err != nil || len(x.Attempts) != 4 {
		t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
	}
	for i, a := range x.Attempts {
		if i < 3 && (a.Reason != reason.TCPRefused || !a.Retried) {
			t.Errorf("attempt %d: %+v", i, a)
		}
	}
	x = newExchange("POST", "/", "")
	if status, _, err := fetch(t, o, x); status != 200 || err != nil || len(x.Attempts) != 1 {
		t.Errorf("the second time: %d %v, %d attempts", status, err, len(x.Attempts))
	}
}

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ raw, host string }{
		{"https://Bücher.example", "xn--bcher-kva.example"},
		{"http://app_1.local:8080", "app_1.local"},
		{"http://[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1"},
		{"ftp://a.test", ""}, {"https://a.test/path", ""}, {"https://a.test:0", ""}, {"https://a b", ""}, {"https://u@a.test", ""},
	} {
		u, err := parseURL(c.raw)
		if (err == nil) != (c.host != "") || err == nil && u.host != c.host {
			t.Errorf("%s: got %q %v", c.raw, u.host, err)
		}
	}
}
