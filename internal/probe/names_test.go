package probe

import (
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/internal/reason"
)

func TestPermitted(t *testing.T) {
	for _, tt := range []struct {
		addr string
		want bool
	}{
		{"203.0.113.5", true}, {"10.0.0.1", true}, {"127.0.0.1", true}, {"::1", true}, {"2001:db8::1", true}, {"100.100.100.201", true}, {"fd00::1", true}, {"64:ff9b::cb00:7105", true},
		{"169.254.169.254", false}, {"0.0.0.0", false}, {"0.1.2.3", false}, {"240.0.0.1", false}, {"255.255.255.255", false}, {"224.0.0.1", false}, {"192.0.0.192", false},
		{"100.100.100.200", false}, {"168.63.129.16", false}, {"fd00:ec2::254", false}, {"fd20:ce::254", false}, {"fe80::1", false}, {"ff02::1", false}, {"::", false},
		{"64:ff9b::a9fe:a9fe", false}, {"64:ff9b:1::a9fe:a9fe", false}, {"2002:a9fe:a9fe::1", false}, {"::a9fe:a9fe", false},
	} {
		a := netip.MustParseAddr(tt.addr)
		if err := (&climb{}).permitted(a); (err == nil) != tt.want {
			t.Errorf("%s: %v", tt.addr, err)
		}
		if err := (&climb{cfg: Config{Vouched: true}}).permitted(a); err != nil {
			t.Errorf("%s, vouched for: %v", tt.addr, err)
		}
	}
}

// TestPinned holds that a name that stands in for the host keeps to the addresses that were approved.
func TestPinned(t *testing.T) {
	c := climb{approved: []netip.Addr{netip.MustParseAddr("203.0.113.5")}}
	for addr, want := range map[string]bool{"203.0.113.5": true, "203.0.113.6": false, "10.0.0.1": true} {
		if err := c.permitted(netip.MustParseAddr(addr)); (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// TestLookup holds that only an answer to the question is believed.
func TestLookup(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, rr := range []string{"alias.test. 60 IN CNAME real.test.", "real.test. 30 IN A 127.0.0.3", "stray.test. 1 IN A 127.0.0.9"} {
			if a, err := dns.NewRR(rr); err == nil {
				m.Answer = append(m.Answer, a)
			}
		}
		if q.Question[0].Name == "other.test." {
			m.Question[0].Name = "foo."
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	defer func() { _ = s.Shutdown() }()
	at := netip.MustParseAddrPort(pc.LocalAddr().String())
	if l := lookup(t.Context(), at, "alias.test", dns.TypeA); len(l.Addresses) != 1 || l.Addresses[0] != "127.0.0.3" || l.TTL != 30 || l.RCode != "NOERROR" {
		t.Errorf("%+v", l)
	}
	if l := lookup(t.Context(), at, "other.test", dns.TypeA); len(l.Addresses) > 0 || l.RCode != string(reason.DNSBadAnswer) {
		t.Errorf("%+v", l)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		s    string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc…"}, {"aéé", 2, "a…"}, {"", 0, ""}} {
		if got := cut(tt.s, tt.most); got != tt.want {
			t.Errorf("%q at %d: %q", tt.s, tt.most, got)
		}
	}
}

// TestOthers holds what is tried where the nearest settings do not work.
func TestOthers(t *testing.T) {
	s := Settings{Profile: "compatible", Verify: "chain", Why: []string{"x"}}
	o := s.Others()
	if len(o) != 2 || o[0].Groups == nil || o[0].Verify != "chain" || o[1].Verify != "none" || len(o[1].Why) != 3 || len(s.Why) != 1 {
		t.Errorf("%+v", o)
	}
	if o := new(Settings).Others(); len(o) > 0 {
		t.Errorf("%+v", o)
	}
}
