package packet_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// outer4 and outer6 send an error from a router back to the source.
func outer4(payload string) string {
	return "\x45\x00" + u16(20+len(payload)) + "\x00\x01\x00\x00\x40\x01\x00\x00\x0a\x00\x00\x01\xc0\x00\x02\x01" + payload
}

func outer6(payload string) string {
	return "\x60\x00\x00\x00" + u16(len(payload)) + "\x3a\x40\xfe\x80" + strings.Repeat("\x00", 13) + "\x09" + addresses6[:16] + payload
}

func TestICMP(t *testing.T) {
	about4, about6 := ip4(6, plain()), ip6(6, plain())
	hops := "\x06\x00\x01\x04\x00\x00\x00\x00"
	r4, r6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::9")
	for _, c := range []struct {
		name, data string
		verdict    packet.Verdict
		want       packet.ICMP
	}{
		{"port unreachable", outer4("\x03\x03\x00\x00\x00\x00\x00\x00" + about4[:28]), packet.ICMPError, packet.ICMP{Type: 3, Code: 3, From: r4}},
		{"fragmentation needed", outer4("\x03\x04\x00\x00\x00\x00\x05\x78" + about4[:28]), packet.ICMPError, packet.ICMP{Type: 3, Code: 4, MTU: 1400, From: r4}},
		{"time exceeded", outer4("\x0b\x00\x00\x00\x00\x00\x00\x00" + about4), packet.ICMPError, packet.ICMP{Type: 11, From: r4}},
		{"with options", outer4("\x03\x0d\x00\x00\x00\x00\x00\x00\x46" + about4[1:20] + "\x01\x01\x01\x01" + plain()[:8]), packet.ICMPError, packet.ICMP{Type: 3, Code: 13, From: r4}},
		{"about UDP", outer4("\x03\x03\x00\x00\x00\x00\x00\x00" + ip4(17, plain())), packet.Other, packet.ICMP{}},
		{"about a later fragment", outer4("\x03\x03\x00\x00\x00\x00\x00\x00" + ip4Piece(6, 5, plain())), packet.Other, packet.ICMP{}},
		{"echo", outer4("\x08\x00\x00\x00\x00\x00\x00\x00" + about4), packet.Other, packet.ICMP{}},
		{"cut off", outer4("\x03\x03\x00\x00\x00\x00\x00\x00" + about4[:27]), packet.Malformed, packet.ICMP{}},
		{"no route", outer6("\x01\x00\x00\x00\x00\x00\x00\x00" + about6), packet.ICMPError, packet.ICMP{V6: true, Type: 1, From: r6}},
		{"too big", outer6("\x02\x00\x00\x00\x00\x00\x05\x00" + about6), packet.ICMPError, packet.ICMP{V6: true, Type: 2, MTU: 1280, From: r6}},
		{"extensions", outer6("\x03\x01\x00\x00\x00\x00\x00\x00" + ip6(0, hops+plain())), packet.ICMPError, packet.ICMP{V6: true, Type: 3, Code: 1, From: r6}},
		{"about a first fragment", outer6("\x02\x00\x00\x00\x00\x00\x05\x00" + ip6Piece(6, 1, plain())), packet.ICMPError, packet.ICMP{V6: true, Type: 2, MTU: 1280, From: r6}},
		{"about a later fragment v6", outer6("\x02\x00\x00\x00\x00\x00\x05\x00" + ip6Piece(6, 8, plain())), packet.Other, packet.ICMP{}},
		{"about UDP v6", outer6("\x01\x04\x00\x00\x00\x00\x00\x00" + ip6(17, plain())), packet.Other, packet.ICMP{}},
		{"neighbour", outer6("\x87\x00\x00\x00\x00\x00\x00\x00" + about6), packet.Other, packet.ICMP{}},
		{"cut off v6", outer6("\x01\x00\x00\x00\x00\x00\x00\x00" + about6[:47]), packet.Malformed, packet.ICMP{}},
	} {
		s, v := decode(packet.New(), frame{link: pcap.LinkRaw, data: c.data})
		if v != c.verdict || v == packet.ICMPError && s.ICMP != c.want {
			t.Errorf("%s: verdict %d, %+v", c.name, v, s.ICMP)
			continue
		}
		if v != packet.ICMPError {
			continue
		}
		same, _ := decode(packet.New(), frame{link: pcap.LinkRaw, data: map[bool]string{false: about4, true: about6}[c.want.V6]})
		if s.Src != same.Src || s.Dst != same.Dst || s.Hash != same.Hash || s.Seq != same.Seq || s.IPID != same.IPID || s.TTL != 64 {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}
