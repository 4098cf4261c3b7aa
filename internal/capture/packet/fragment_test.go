package packet_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// pieces cuts a datagram's payload at multiples of 8 bytes.
func pieces(v6 bool, payload string, size int) []string {
	var out []string
	for at := 0; at < len(payload); at += size {
		end := min(at+size, len(payload))
		switch {
		case v6 && end < len(payload):
			out = append(out, ip6Piece(6, at|1, payload[at:end]))
		case v6:
			out = append(out, ip6Piece(6, at, payload[at:end]))
		case end < len(payload):
			out = append(out, ip4Piece(6, at/8|0x2000, payload[at:end]))
		default:
			out = append(out, ip4Piece(6, at/8, payload[at:end]))
		}
	}
	return out
}

func text(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteByte(byte('a' + i*7%26))
	}
	return out.String()
}

// TestFragments: in any order, and with some of them twice, the datagram is the same.
func TestFragments(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	d := packet.New()
	for round := range 400 {
		payload := text(1 + random.IntN(4000))
		if round == 0 {
			payload = text(65535 - 20 - 20) // the most that IPv4 can say
		}
		list := pieces(round%2 == 1, segment("", payload), 8*(1+random.IntN(60)))
		if len(list) == 1 {
			continue
		}
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		last := list[len(list)-1]
		list = append(list[:len(list)-1], list[random.IntN(len(list)-1)], last)
		for i, data := range list {
			s, v := decode(d, frame{link: pcap.LinkRaw, data: data})
			switch {
			case i < len(list)-1 && v != packet.Fragment:
				t.Fatalf("round %d, fragment %d of %d: verdict %d", round, i, len(list), v)
			case i == len(list)-1 && (v != packet.TCP || s.Length != len(payload) || string(s.Payload) != payload):
				t.Fatalf("round %d: verdict %d, %d bytes of %d", round, v, s.Length, len(payload))
			}
		}
	}
}

// TestOverlap: what came first counts, and it is counted.
func TestOverlap(t *testing.T) {
	whole := segment("", text(44))
	for _, c := range []struct {
		name  string
		in    []string
		stats packet.Stats
	}{
		{"other bytes later", []string{ip4Piece(6, 0x2000, whole[:32]), ip4Piece(6, 0x2000|2, strings.Repeat("X", 16)), ip4Piece(6, 4, whole[32:])},
			packet.Stats{Fragments: 3, Reassembled: 1, Overlaps: 1}},
		{"overlap with new bytes", []string{ip4Piece(6, 0x2000, whole[:32]), ip4Piece(6, 3, strings.Repeat("X", 8)+whole[32:])},
			packet.Stats{Fragments: 2, Reassembled: 1, Overlaps: 1}},
		{"two ends", []string{ip4Piece(6, 4, whole[32:]), ip4Piece(6, 1, strings.Repeat("X", 8)), ip4Piece(6, 20, "beyond"), ip4Piece(6, 0x2000, whole[:32])},
			packet.Stats{Fragments: 4, Reassembled: 1, Overlaps: 2}},
	} {
		d := packet.New()
		for i, data := range c.in {
			s, v := decode(d, frame{link: pcap.LinkRaw, data: data})
			if last := i == len(c.in)-1; last && (v != packet.TCP || string(s.Payload) != text(44)) || !last && v != packet.Fragment {
				t.Errorf("%s, fragment %d: verdict %d, %q", c.name, i, v, s.Payload)
			}
		}
		if d.Stats() != c.stats {
			t.Errorf("%s: %+v", c.name, d.Stats())
		}
	}
}

// TestFragmentsCutOff: the payload ends where a fragment was cut off by the snaplen, and all of it is counted.
func TestFragmentsCutOff(t *testing.T) {
	payload := text(200)
	list := pieces(false, segment("", payload), 64)
	d := packet.New()
	var s packet.Segment
	for i, data := range list {
		b := []byte(data)
		if i == 1 {
			b = b[:20+11]
		}
		v := d.Decode(&pcap.Packet{Link: pcap.LinkRaw, Length: len(data), Data: b}, &s)
		if i == len(list)-1 && (v != packet.TCP || s.Length != 200 || string(s.Payload) != payload[:64-20+11]) {
			t.Errorf("verdict %d, %d bytes, %q", v, s.Length, s.Payload)
		}
	}
}

// TestFragmentsThatStay: a flood of first fragments takes no more than 64 places, and old ones are not mixed with new ones.
func TestFragmentsThatStay(t *testing.T) {
	d := packet.New()
	list := pieces(false, segment("", text(100)), 64)
	send := func(data string, id, at int64) packet.Verdict {
		b := []byte(data)
		b[4], b[5] = byte(id>>8), byte(id)
		var s packet.Segment
		return d.Decode(&pcap.Packet{At: at, Link: pcap.LinkRaw, Length: len(b), Data: b}, &s)
	}
	for id := range int64(1000) {
		send(list[0], id, 0)
	}
	if got := d.Stats().GivenUp; got != 1000-64 {
		t.Errorf("%d were given up", got)
	}
	if v := send(list[1], 935, 0); v != packet.Fragment {
		t.Errorf("the end of one that was given up: verdict %d", v)
	}
	if v := send(list[1], 999, 59e9); v != packet.TCP {
		t.Errorf("the end of the latest: verdict %d", v)
	}
	if v := send(list[1], 998, 61e9); v != packet.Fragment {
		t.Errorf("the end after a minute: verdict %d", v)
	}
}
