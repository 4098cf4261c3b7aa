package sniff

import (
	"bytes"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/lunette-waf/lunette/internal/capture/filter"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

func mine(t *testing.T, link pcap.LinkType, expr string) []bpf.RawInstruction {
	t.Helper()
	program, err := filter.CompileLive(expr, link, DefaultSnap)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// TestOwnFilters runs programs of package filter in the kernel, beside tcpdump with the same expression.
func TestOwnFilters(t *testing.T) {
	for _, c := range []struct{ iface, expr string }{
		{"lo", "udp or tcp portrange 1-65535 and greater 70"},
		{Any, "udp or (ip6 and less 100) or greater 1400"},
		{Any, "host 127.0.0.1 and not tcp"},
		{"v0", "arp or src host 10.9.0.9 or icmp6"},
	} {
		t.Run(c.iface+" "+c.expr, func(t *testing.T) {
			private(t, func() {
				pair(t)
				link, err := LinkOf(c.iface)
				if err != nil {
					t.Fatal(err)
				}
				h := open(t, Config{Interface: c.iface, Filter: mine(t, link, c.expr), Immediate: true})
				d := startTcpdump(t, c.iface, c.expr)
				got := later(t, h, mark)
				send := sender(t, "v0")
				traffic(t, send)
				if c.iface == "v0" || c.iface == "v1" {
					send([]byte(mark), 0)
				} else {
					udp(t, "127.0.0.1", mark)
				}
				same(t, <-got, d.packets(), 2)
			})
		})
	}
}

// TestOwnTags asks for tags that the kernel took off.
func TestOwnTags(t *testing.T) {
	private(t, func() {
		pair(t)
		one := open(t, Config{Interface: "v1", Filter: mine(t, pcap.LinkEthernet, "vlan 7 and udp port 22136")})
		any := open(t, Config{Filter: mine(t, pcap.LinkSLL2, "vlan 7 and host 10.9.0.9")})
		send := sender(t, "v0")
		send([]byte("untagged"), 0)
		send([]byte("another"), 8)
		send([]byte(mark), 7)
		if got := until(t, one, mark); len(got) != 1 || !bytes.Equal(got[0].Data[12:18], []byte{0x81, 0, 0, 7, 8, 0}) {
			t.Errorf("%d packets", len(got))
		}
		for _, p := range until(t, any, mark) {
			if !bytes.Contains(p.Data, []byte(mark)) {
				t.Errorf("%.60x", p.Data)
			}
		}
	})
}
