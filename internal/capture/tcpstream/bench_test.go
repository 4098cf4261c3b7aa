package tcpstream

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
)

const flows = 2000

// endpoints are those of flow i.
func endpoints(i int) (netip.AddrPort, netip.AddrPort) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 0x0a000000+uint32(i))
	return netip.AddrPortFrom(netip.AddrFrom4(b), uint16(10000+i%50000)), serverAddr
}

// stir is a hash of good spread.
func stir(i int) uint64 {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// opened handshakes flow i.
func handshake(tr *Tracker, i int, frame int64) {
	a, b := endpoints(i)
	at := int64(1_700_000_000_000_000_000)
	s := packet.Segment{At: at, Frame: frame, Src: a, Dst: b, Hash: stir(i), Flags: packet.SYN, Window: 1}
	tr.Segment(&s)
	tr.Segment(&packet.Segment{At: at, Frame: frame + 1, Src: b, Dst: a, Hash: stir(i), Flags: packet.SYN | packet.ACK, Window: 1, Ack: 1})
	s.Frame, s.Flags, s.Seq, s.Ack = frame+2, packet.ACK, 1, 1
	tr.Segment(&s)
}

// BenchmarkInOrder is a server that sends 1,448 bytes at a time on 2,000 connections in turn, every second segment acknowledged.
func BenchmarkInOrder(b *testing.B) {
	tr := New(Config{Budget: budget.New(64 << 20), Silence: 1e9}, func(*Conn) Handler { return discard{} })
	data := make([]byte, 1448)
	segs := make([]packet.Segment, flows)
	acks := make([]packet.Segment, flows)
	for i := range segs {
		handshake(tr, i, int64(3*i+1))
		to, from := endpoints(i)
		segs[i] = packet.Segment{At: 1_700_000_000_000_000_000, Src: from, Dst: to, Hash: stir(i), Flags: packet.ACK, Window: 1, Seq: 1, Ack: 1, Length: len(data), Payload: data}
		acks[i] = packet.Segment{At: 1_700_000_000_000_000_000, Src: to, Dst: from, Hash: stir(i), Flags: packet.ACK, Window: 1, Seq: 1}
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	i := 0
	for n := int64(1); b.Loop(); n++ {
		s := &segs[i]
		s.Frame = n
		tr.Segment(s)
		s.Seq += uint32(len(data))
		if n&1 == 0 {
			acks[i].Ack, acks[i].Frame = s.Seq, n
			tr.Segment(&acks[i])
		}
		if i++; i == flows {
			i = 0
		}
	}
}

// BenchmarkDisorder is one connection on which every pair of segments is swapped.
func BenchmarkDisorder(b *testing.B) {
	tr := New(Config{Budget: budget.New(64 << 20)}, func(*Conn) Handler { return discard{} })
	handshake(tr, 0, 1)
	to, from := endpoints(0)
	data := make([]byte, 1448)
	s := packet.Segment{At: 1_700_000_000_000_000_000, Src: from, Dst: to, Hash: stir(0), Flags: packet.ACK, Window: 1, Ack: 1, Length: len(data), Payload: data}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for n := uint32(0); b.Loop(); n++ {
		s.Seq = 1 + (n^1)*uint32(len(data))
		tr.Segment(&s)
	}
}

// BenchmarkSYNs is a flood: every segment is the SYN of another connection, beyond MaxConns.
func BenchmarkSYNs(b *testing.B) {
	tr := New(Config{Budget: budget.New(64 << 20), MaxConns: 10000}, func(*Conn) Handler { return discard{} })
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		from, to := endpoints(n)
		tr.Segment(&packet.Segment{At: 1_700_000_000_000_000_000, Frame: int64(n + 1), Src: from, Dst: to, Hash: stir(n), Flags: packet.SYN, Window: 1})
	}
}

// BenchmarkHoles is one connection whose segments of 100 bytes stand behind a hole, in an order that is bad for a sorted list.
func BenchmarkHoles(b *testing.B) {
	tr := New(Config{Budget: budget.New(64 << 20)}, func(*Conn) Handler { return discard{} })
	handshake(tr, 0, 1)
	to, from := endpoints(0)
	data := make([]byte, 100)
	s := packet.Segment{At: 1_700_000_000_000_000_000, Src: from, Dst: to, Hash: stir(0), Flags: packet.ACK, Window: 1, Ack: 1, Length: len(data), Payload: data}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for n := uint32(0); b.Loop(); n++ {
		s.Seq = 100 + (n&^1023+1023-n&1023)*200
		tr.Segment(&s)
	}
}

func TestSizes(t *testing.T) {
	t.Logf("a connection has %d bytes, a half %d", unsafe.Sizeof(conn{}), unsafe.Sizeof(half{}))
	if n := unsafe.Sizeof(conn{}); n > connCost-16 {
		t.Errorf("a connection has %d bytes", n)
	}
	if n := 2*(unsafe.Sizeof(piece{})+2*unsafe.Sizeof(slot{})) + unsafe.Sizeof(buffer{}); n > pieceCost+64 {
		t.Errorf("a segment that waits costs up to %d bytes beside its own", n)
	}
}
