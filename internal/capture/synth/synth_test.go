package synth

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

var start = time.Unix(1_700_000_000, 0)

func made(client, server string, pieces ...recording.Piece) *recording.Recording {
	r := &recording.Recording{ID: 1, Start: start, Connect: 3 * time.Millisecond, End: start.Add(time.Minute), Pieces: pieces}
	if client != "" {
		r.Client = netip.MustParseAddrPort(client)
	}
	if server != "" {
		r.Server = netip.MustParseAddrPort(server)
	}
	return r
}

func piece(ms int, s fact.Side, data string) recording.Piece {
	return recording.Piece{At: start.Add(time.Duration(ms) * time.Millisecond), Side: s, Data: []byte(data)}
}

// packets decodes what r becomes.
func packets(t *testing.T, r *recording.Recording) (out []packet.Segment) {
	t.Helper()
	var p pcap.Packet
	d := packet.New()
	for c := New(r); c.Next(&p); {
		var s packet.Segment
		if v := d.Decode(&p, &s); v != packet.TCP {
			t.Fatalf("packet %d is %v", len(out)+1, v)
		}
		s.Payload = bytes.Clone(s.Payload)
		out = append(out, s)
	}
	return out
}

func TestPackets(t *testing.T) {
	const c, s = fact.SideClient, fact.SideServer
	big := string(bytes.Repeat([]byte("x"), 2*MSS+1))
	end := func(ms int, side fact.Side, how fact.Kind) recording.Piece {
		return recording.Piece{At: start.Add(time.Duration(ms) * time.Millisecond), Side: side, End: how}
	}
	const syn, ack, psh, fin, rst = packet.SYN, packet.ACK, packet.PSH, packet.FIN, packet.RST
	type seg struct {
		flags    uint8
		seq, ack uint32
		n        int
	}
	opened := []seg{{syn, 1000, 0, 0}, {syn | ack, 5000, 1001, 0}, {ack, 1001, 5001, 0}}
	tests := []struct {
		name   string
		pieces []recording.Piece
		want   []seg
	}{
		{"nothing", nil, nil},
		{"cut", []recording.Piece{piece(5, c, big), piece(6, s, "yes")},
			[]seg{{ack, 1001, 5001, MSS}, {ack, 2401, 5001, MSS}, {ack | psh, 3801, 5001, 1}, {ack | psh, 5001, 3802, 3}}},
		{"closed", []recording.Piece{piece(5, c, "a"), end(6, s, fact.TCPClosed), end(7, c, fact.TCPClosed)},
			[]seg{{ack | psh, 1001, 5001, 1}, {ack | fin, 5001, 1002, 0}, {ack | fin, 1002, 5002, 0}}},
		{"reset", []recording.Piece{piece(5, c, "a"), end(6, s, fact.TCPReset), end(7, c, fact.TCPClosed), piece(8, s, "late")},
			[]seg{{ack | psh, 1001, 5001, 1}, {ack | rst, 5001, 1002, 0}}},
		{"hole", []recording.Piece{piece(5, s, "ab"), {At: start, Side: s, Lost: 10}, end(7, s, fact.TCPClosed)},
			[]seg{{ack | psh, 5001, 1001, 2}, {ack | fin, 5013, 1001, 0}}},
		{"empty, and of nobody", []recording.Piece{{Side: s, At: start}, {At: start, Data: []byte("?")}, {At: start, Side: 77, Data: []byte("?")}}, nil},
	}
	for _, ends := range [][2]string{{"192.0.2.1:40000", "192.0.2.2:443"}, {"[2001:db8::1]:40000", "[2001:db8::2]:443"}, {"192.0.2.1:1", "[::1]:2"}, {"", ""}} {
		for _, test := range tests {
			got := packets(t, made(ends[0], ends[1], test.pieces...))
			want := append(append([]seg{}, opened...), test.want...)
			if len(got) != len(want) {
				t.Fatalf("%s %v: %d packets", test.name, ends, len(got))
			}
			for i, g := range got {
				if w := want[i]; g.Flags != w.flags || g.Seq != w.seq || g.Ack != w.ack || g.Length != w.n {
					t.Errorf("%s %v: packet %d is %b %d %d %d, want %v", test.name, ends, i, g.Flags, g.Seq, g.Ack, g.Length, w)
				}
				if i > 0 && g.At < got[i-1].At {
					t.Errorf("%s: time runs backwards", test.name)
				}
			}
		}
	}
}

func TestUnconnected(t *testing.T) {
	r := made("", "192.0.2.2:443", piece(1, fact.SideServer, "no"))
	r.Connect = -1
	if got := packets(t, r); len(got) != 1 || got[0].Flags != packet.SYN {
		t.Error(got)
	}
	r.Facts = []fact.Fact{{Kind: fact.TCPFailed, Text: "ECONNREFUSED", At: start.Add(time.Second)}}
	got := packets(t, r)
	if len(got) != 2 || got[1].Flags != packet.RST|packet.ACK || got[1].At != start.Add(time.Second).UnixNano() {
		t.Error(got)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	r := made("192.0.2.1:1", "192.0.2.2:2", piece(1, fact.SideServer, string(make([]byte, 1<<20))))
	c := New(r)
	var p pcap.Packet
	if n := testing.AllocsPerRun(100, func() { c.Next(&p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
