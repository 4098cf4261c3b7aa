package packet_test

import (
	"runtime"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// FuzzDecode takes data apart as packets: two bytes for the length of each, the highest bit of which says that the packet was cut off. No
// panic, payloads inside the packet or no longer than 64 KiB, and memory that does not grow with the input.
func FuzzDecode(f *testing.F) {
	for _, frame := range frames() {
		f.Add(uint16(frame.link), u16(len(frame.data))+frame.data+u16(len(frame.data)|0x8000)+frame.data)
	}
	for _, v6 := range []bool{false, true} {
		all := ""
		for _, data := range pieces(v6, segment("", text(200)), 64) {
			all += u16(len(data)) + data
		}
		f.Add(uint16(pcap.LinkRaw), all)
	}
	f.Fuzz(func(t *testing.T, link uint16, data string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d := packet.New()
		var s packet.Segment
		var at int64
		for len(data) >= 2 {
			n, wire := int(data[0]&0x7f)<<8|int(data[1]), 0
			if data[0]&0x80 != 0 {
				wire = 1 << 20
			}
			b := []byte(data[2:])
			b = b[:min(n, len(b))]
			data = data[2+len(b):]
			at++
			v := d.Decode(&pcap.Packet{Number: at, At: at * 1e9, Link: pcap.LinkType(link), Length: max(len(b), wire), Data: b}, &s)
			check(t, v, &s, len(b), wire)
		}
		runtime.ReadMemStats(&after)
		if grown := after.HeapAlloc - before.HeapAlloc; after.HeapAlloc > before.HeapAlloc && grown > 16<<20+4*uint64(at) {
			t.Errorf("%d bytes of heap after %d packets", grown, at)
		}
	})
}

func check(t *testing.T, v packet.Verdict, s *packet.Segment, n, wire int) {
	t.Helper()
	switch v {
	case packet.TCP:
		if len(s.Payload) > s.Length || s.Length > max(n, wire, 1<<16) || len(s.Payload) > max(n, 1<<16) || s.Src.Addr().Is4In6() || s.Options.SACKs > 4 || s.Options.WindowScale > 15 {
			t.Errorf("%+v", s)
		}
	case packet.ICMPError:
		if !s.ICMP.From.IsValid() || s.Payload != nil || s.ICMP.MTU < 0 {
			t.Errorf("%+v", s)
		}
	case packet.Other, packet.Fragment, packet.Malformed:
	default:
		t.Errorf("verdict %d", v)
	}
}
