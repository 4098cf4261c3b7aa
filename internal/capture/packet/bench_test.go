package packet_test

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// BenchmarkDecode takes segments with timestamps and 1,448 bytes of payload apart.
func BenchmarkDecode(b *testing.B) {
	stamps := "\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02"
	payload := string(make([]byte, 1448))
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"ipv4", ether(0x0800, ip4(6, segment(stamps, payload)))},
		{"ipv6", ether(0x86dd, ip6(6, segment(stamps, payload)))},
		{"vlan", ether(0x8100, "\x00\x07\x08\x00"+ip4(6, segment(stamps, payload)))},
		{"sack", ether(0x0800, ip4(6, segment(stamps+"\x01\x01\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x02", "")))},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := packet.New()
			p := pcap.Packet{Link: pcap.LinkEthernet, Length: len(c.data), Data: c.data}
			var s packet.Segment
			b.ReportAllocs()
			b.SetBytes(int64(len(c.data)))
			for b.Loop() {
				if d.Decode(&p, &s) != packet.TCP {
					b.Fatal("no segment")
				}
			}
		})
	}
}
