package packet_test

import (
	"encoding/binary"
	"math/bits"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

func hashOf(t testing.TB, src, dst uint32, from, to uint16) uint64 {
	t.Helper()
	data := []byte(ip4(6, plain()))
	binary.BigEndian.PutUint32(data[12:], src)
	binary.BigEndian.PutUint32(data[16:], dst)
	binary.BigEndian.PutUint16(data[20:], from)
	binary.BigEndian.PutUint16(data[22:], to)
	s, v := decode(packet.New(), frame{link: pcap.LinkRaw, data: string(data)})
	if v != packet.TCP {
		t.Fatalf("verdict %d", v)
	}
	return s.Hash
}

// TestHash: the same both ways and in every run, different for what differs, and even in its lowest and highest bits.
func TestHash(t *testing.T) {
	seen := map[uint64]bool{}
	var low, high [16]int
	const rounds = 1 << 14
	for i := range uint32(rounds) {
		src, from := 0x0a000001+i>>8, uint16(32768+i&0xff)
		h := hashOf(t, src, 0x0a000101, from, 443)
		if h != hashOf(t, 0x0a000101, src, 443, from) {
			t.Fatalf("%x:%d: another hash for the other direction", src, from)
		}
		if seen[h] {
			t.Fatalf("%x:%d: a hash of before", src, from)
		}
		seen[h] = true
		low[h%16]++
		high[h>>60]++
	}
	for i := range low {
		if low[i] < rounds/20 || high[i] < rounds/20 {
			t.Errorf("of %d hashes %d end and %d begin with %x", rounds, low[i], high[i], i)
		}
	}
	a, b := hashOf(t, 1, 2, 3, 4), hashOf(t, 1, 2, 4, 3)
	if a == b || bits.OnesCount64(a^b) < 10 {
		t.Errorf("%x and %x for swapped ports", a, b)
	}
	if got, want := hashOf(t, 0xc0000201, 0xc6336402, 50000, 443), uint64(0x7b6eed433e2a65f2); got != want {
		t.Errorf("hash %#x, in other runs %#x", got, want)
	}
	if hashOf(t, 7, 7, 5, 5) == hashOf(t, 8, 8, 6, 6) {
		t.Error("connections of an address to itself are all alike")
	}
}
