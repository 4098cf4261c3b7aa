package packet_test

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// frame is a packet and what it is.
type frame struct {
	name string
	link pcap.LinkType
	data string
	want packet.Verdict
}

// plain is the segment that all good frames hold.
func plain() string { return segment("", "payload") }

// frames are a packet of each kind; [TestFrames] decodes them, [TestFramesAgree] compares with tshark.
func frames() []frame {
	v4, v6 := ip4(6, plain()), ip6(6, plain())
	eth := func(kind int, payload string) string { return string(ether(kind, payload)) }
	sll := func(kind int) string {
		return "\x00\x00\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00" + u16(kind)
	}
	sll2 := func(kind int) string {
		return u16(kind) + "\x00\x00\x00\x00\x00\x02\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00"
	}
	hops := string([]byte{6, 0}) + "\x01\x04\x00\x00\x00\x00"
	return append([]frame{
		{"ethernet", pcap.LinkEthernet, eth(0x0800, v4), packet.TCP},
		{"ethernet v6", pcap.LinkEthernet, eth(0x86dd, v6), packet.TCP},
		{"padding", pcap.LinkEthernet, eth(0x0800, v4+strings.Repeat("\x00", 20)), packet.TCP},
		{"padding v6", pcap.LinkEthernet, eth(0x86dd, v6+strings.Repeat("\xff", 4)), packet.TCP},
		{"vlan", pcap.LinkEthernet, eth(0x8100, "\x20\x07\x08\x00"+v4), packet.TCP},
		{"qinq", pcap.LinkEthernet, eth(0x88a8, "\x00\x07\x81\x00\x00\x08\x86\xdd"+v6), packet.TCP},
		{"old qinq", pcap.LinkEthernet, eth(0x9100, "\x00\x07\x81\x00\x00\x08\x08\x00"+v4), packet.TCP},
		{"mpls", pcap.LinkEthernet, eth(0x8847, "\x00\x01\x00\x40\x00\x01\x11\x40"+v4), packet.TCP},
		{"pppoe", pcap.LinkEthernet, eth(0x8864, "\x11\x00\x00\x01"+u16(2+len(v4))+"\x00\x21"+v4), packet.TCP},
		{"pppoe v6", pcap.LinkEthernet, eth(0x8864, "\x11\x00\x00\x01"+u16(2+len(v6))+"\x00\x57"+v6), packet.TCP},
		{"snap", pcap.LinkEthernet, eth(8+len(v4), "\xaa\xaa\x03\x00\x00\x00\x08\x00"+v4), packet.TCP},
		{"arp", pcap.LinkEthernet, eth(0x0806, strings.Repeat("\x00", 28)), packet.Other},
		{"null", pcap.LinkNull, "\x02\x00\x00\x00" + v4, packet.TCP},
		{"null, other order", pcap.LinkNull, "\x00\x00\x00\x02" + v4, packet.TCP},
		{"null, linux v6", pcap.LinkNull, "\x0a\x00\x00\x00" + v6, packet.TCP},
		{"null, windows v6", pcap.LinkNull, "\x17\x00\x00\x00" + v6, packet.TCP},
		{"null, openbsd v6", pcap.LinkNull, "\x18\x00\x00\x00" + v6, packet.TCP},
		{"null, freebsd v6", pcap.LinkNull, "\x1c\x00\x00\x00" + v6, packet.TCP},
		{"null, macos v6", pcap.LinkNull, "\x1e\x00\x00\x00" + v6, packet.TCP},
		{"loop", pcap.LinkLoop, "\x00\x00\x00\x02" + v4, packet.TCP},
		{"loop v6", pcap.LinkLoop, "\x00\x00\x00\x18" + v6, packet.TCP},
		{"raw", pcap.LinkRaw, v4, packet.TCP},
		{"raw v6", pcap.LinkRaw, v6, packet.TCP},
		{"ipv4", pcap.LinkIPv4, v4, packet.TCP},
		{"ipv6", pcap.LinkIPv6, v6, packet.TCP},
		{"cooked", pcap.LinkSLL, sll(0x0800) + v4, packet.TCP},
		{"cooked v6", pcap.LinkSLL, sll(0x86dd) + v6, packet.TCP},
		{"cooked vlan", pcap.LinkSLL, sll(0x8100) + "\x00\x07\x08\x00" + v4, packet.TCP},
		{"cooked 2", pcap.LinkSLL2, sll2(0x0800) + v4, packet.TCP},
		{"cooked 2 v6", pcap.LinkSLL2, sll2(0x86dd) + v6, packet.TCP},
		{"ip options", pcap.LinkRaw, "\x46" + v4[1:2] + u16(24+len(plain())) + v4[4:20] + "\x94\x04\x00\x00" + plain(), packet.TCP},
		{"total length 0", pcap.LinkRaw, v4[:2] + "\x00\x00" + v4[4:], packet.TCP},
		{"payload length 0", pcap.LinkRaw, v6[:4] + "\x00\x00" + v6[6:], packet.TCP},
		{"hop-by-hop", pcap.LinkRaw, ip6(0, hops+plain()), packet.TCP},
		{"destination options", pcap.LinkRaw, ip6(60, hops+plain()), packet.TCP},
		{"both", pcap.LinkRaw, ip6(0, "\x3c"+hops[1:]+hops+plain()), packet.TCP},
		{"authentication", pcap.LinkRaw, ip6(51, "\x06\x04"+strings.Repeat("\x00", 22)+plain()), packet.TCP},
		{"atomic fragment", pcap.LinkRaw, ip6Piece(6, 0, plain()), packet.TCP},
		{"no next header", pcap.LinkRaw, ip6(59, "none"), packet.Other},
		{"udp", pcap.LinkRaw, ip4(17, "\x00\x35\x00\x35\x00\x08\x00\x00"), packet.Other},
		{"fragment 2", pcap.LinkRaw, ip4Piece(6, 16/8, plain()[16:]), packet.Fragment},
		{"fragment 1", pcap.LinkRaw, ip4Piece(6, 0x2000, plain()[:16]), packet.TCP},
		{"fragment 1 v6", pcap.LinkRaw, ip6Piece(6, 1, plain()[:16]), packet.Fragment},
		{"fragment 2 v6", pcap.LinkRaw, ip6Piece(6, 16, plain()[16:]), packet.TCP},
		{"fragment 1 with a header", pcap.LinkRaw, ip6Piece(60, 1, hops), packet.Fragment},
		{"fragment 2 of that", pcap.LinkRaw, ip6Piece(0, 8, plain()), packet.TCP},
	}, badFrames(v4, v6)...)
}

// badFrames contradict themselves.
func badFrames(v4, v6 string) []frame {
	long := plain()[:12] + "\xf0" + plain()[13:]
	short := plain()[:12] + "\x40" + plain()[13:]
	return []frame{
		{"nothing", pcap.LinkRaw, "", packet.Malformed},
		{"short frame", pcap.LinkEthernet, "\x02\x00\x00\x00\x00\x01", packet.Malformed},
		{"version 5", pcap.LinkRaw, "\x55" + v4[1:], packet.Other},
		{"wrong version", pcap.LinkEthernet, string(ether(0x0800, v6)), packet.Malformed},
		{"short header", pcap.LinkRaw, "\x44" + v4[1:], packet.Malformed},
		{"total below header", pcap.LinkRaw, v4[:2] + "\x00\x13" + v4[4:], packet.Malformed},
		{"data offset beyond the datagram", pcap.LinkRaw, ip4(6, long), packet.Malformed},
		{"data offset 4", pcap.LinkRaw, ip4(6, short), packet.Malformed},
		{"half a segment", pcap.LinkRaw, ip4(6, plain()[:12]), packet.Malformed},
		{"extension cut off", pcap.LinkRaw, ip6(0, "\x06\xff\x01\x04\x00\x00\x00\x00"+plain()), packet.Malformed},
		{"fragment beyond 64 KiB", pcap.LinkRaw, ip4Piece(6, 0x1fff, plain()), packet.Malformed},
		{"fragment of 5 bytes", pcap.LinkRaw, ip4Piece(6, 0x2000, "12345"), packet.Malformed},
		{"empty fragment", pcap.LinkRaw, ip4Piece(6, 0x2001, ""), packet.Malformed},
	}
}
