package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// log is a Sink that writes down what it gets.
type log struct {
	lines []string
	err   error
}

func (l *log) Secrets(_ Ends, lines []byte) error {
	for line := range strings.Lines(string(lines)) {
		l.lines = append(l.lines, "secret "+line[strings.IndexByte(line, ' ')+1:][:4])
	}
	return l.err
}

func (l *log) Packet(_ Ends, p *pcap.Packet) error {
	l.lines = append(l.lines, "packet "+p.Comment)
	return l.err
}

func (l *log) String() string { return strings.Join(l.lines, ", ") }

const client, server = "192.0.2.1:1000", "192.0.2.2:443"

// packetOf makes a raw IPv4 packet with TCP from one address to another.
func packetOf(name, from, to string, at int64, payload []byte) *pcap.Packet {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	b := make([]byte, 40, 40+len(payload))
	b[0], b[8], b[9], b[32], b[33] = 0x45, 64, 6, 0x50, 0x18
	binary.BigEndian.PutUint16(b[2:], uint16(40+len(payload)))
	copy(b[12:], src.Addr().AsSlice())
	copy(b[16:], dst.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[20:], src.Port())
	binary.BigEndian.PutUint16(b[22:], dst.Port())
	b = append(b, payload...)
	return &pcap.Packet{At: at, Link: pcap.LinkRaw, Length: len(b), Data: b, Comment: name}
}

// hello is the begin of a ClientHello with a random of one byte, repeated.
func hello(of byte) []byte {
	b := []byte{22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3}
	for range 32 {
		b = append(b, of)
	}
	return append(b, make([]byte, 62)...)
}

func line(label string, of byte) []byte {
	return fmt.Appendf(nil, "%s %s %s\n", label, strings.Repeat(fmt.Sprintf("%02x", of), 32), strings.Repeat("55", 48))
}

const ms = millisecond

func TestOrder(t *testing.T) {
	ends := EndsOf(netip.MustParseAddrPort(server), netip.MustParseAddrPort("[::ffff:192.0.2.1]:1000"))
	rows := []struct {
		name string
		cfg  Config
		do   func(j *Joiner) error
		want string
	}{
		{"a key log before its hello", Config{}, func(j *Joiner) error {
			return errors.Join(j.KeyLog(line("CLIENT_RANDOM", 1), 0), j.KeyLog(line("CLIENT_RANDOM", 2), 0), j.Packet(packetOf("a", client, server, 0, hello(1)), 0), j.Release(300*ms))
		}, "secret 0101, packet a"},
		{"a key log after its hello, within the time", Config{}, func(j *Joiner) error {
			return errors.Join(j.Packet(packetOf("a", client, server, 0, hello(1)), 0), j.KeyLog(line("CLIENT_RANDOM", 1), 250*ms), j.Release(299*ms), j.Release(300*ms))
		}, "secret 0101, packet a"},
		{"a key log that comes too late still comes", Config{}, func(j *Joiner) error {
			return errors.Join(j.Packet(packetOf("a", client, server, 0, hello(1)), 0), j.Release(300*ms), j.KeyLog(line("CLIENT_RANDOM", 1), 400*ms))
		}, "packet a, secret 0101"},
		{"a line twice comes once, its neighbours too", Config{}, func(j *Joiner) error {
			return errors.Join(j.Packet(packetOf("a", client, server, 0, hello(1)), 0), j.KeyLog(line("SERVER_TRAFFIC_SECRET_0", 1), 0), j.KeyLog(line("SERVER_TRAFFIC_SECRET_0", 1), 0),
				j.KeyLog(line("CLIENT_TRAFFIC_SECRET_0", 1), 0), j.Release(300*ms), j.KeyLog(line("CLIENT_TRAFFIC_SECRET_0", 1), 0))
		}, "secret 0101, secret 0101, packet a"},
		{"what is no key log", Config{}, func(j *Joiner) error {
			return errors.Join(j.KeyLog([]byte("# hello\n\nCLIENT_RANDOM 01 02\nGET / HTTP/1.1\n\x00\xff\nclient_random "+strings.Repeat("00", 32)+" 00\n"), 0), j.Packet(packetOf("a", client, server, 0, hello(0)), 0), j.Flush(0))
		}, "packet a"},
		{"only connections that were opened", Config{Only: true}, func(j *Joiner) error {
			err := errors.Join(j.Packet(packetOf("syn", client, server, 0, nil), 0), j.Packet(packetOf("other", "192.0.2.1:1001", server, 0, hello(9)), 0),
				j.KeyLog(line("CLIENT_RANDOM", 9), 0))
			j.Opened(ends)
			return errors.Join(err, j.Own(ends, line("CLIENT_RANDOM", 1)), j.Release(300*ms))
		}, "secret 0101, packet syn"},
		{"the end of a connection that is over", Config{Only: true, Hold: -1}, func(j *Joiner) error {
			j.Opened(ends)
			j.Closed(ends, 0)
			return errors.Join(j.Packet(packetOf("fin", client, server, 0, nil), 1900*ms), j.Packet(packetOf("another", client, server, 0, nil), 2100*ms))
		}, "packet fin"},
		{"a renegotiation, whose hello nobody can read", Config{}, func(j *Joiner) error {
			return errors.Join(j.Packet(packetOf("a", client, server, 0, hello(1)), 0), j.Packet(packetOf("data", client, server, 0, []byte{23, 3, 3, 0, 1, 0}), 0),
				j.KeyLog(line("CLIENT_RANDOM", 8), 0), j.KeyLog(line("CLIENT_RANDOM", 1), 0),
				j.Packet(packetOf("again", client, server, 0, []byte{22, 3, 3, 0, 1, 0x99}), 5000*ms), j.KeyLog(line("CLIENT_RANDOM", 7), 5100*ms), j.Release(5300*ms))
		}, "secret 0101, packet a, packet data, secret 0707, packet again"},
		{"no time to wait", Config{Hold: -1}, func(j *Joiner) error {
			return j.Packet(packetOf("a", client, server, 0, nil), 0)
		}, "packet a"},
		{"no memory to wait", Config{Bytes: 500}, func(j *Joiner) error {
			return errors.Join(j.Packet(packetOf("a", client, server, 0, make([]byte, 200)), 0), j.Packet(packetOf("b", client, server, 0, make([]byte, 200)), 0))
		}, "packet a"},
		{"packets that are not TCP", Config{}, func(j *Joiner) error {
			return errors.Join(j.Packet(&pcap.Packet{Link: pcap.LinkRaw, Data: []byte{0x45}, Comment: "odd"}, 0), j.Flush(0))
		}, "packet odd"},
	}
	for _, r := range rows {
		got := &log{}
		j := New(r.cfg, got)
		if err := r.do(j); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		if got.String() != r.want {
			t.Errorf("%s: %q, want %q", r.name, got, r.want)
		}
	}
}

// TestBounded holds that memory stays bounded, whatever comes, and that packets keep their order and bytes.
func TestBounded(t *testing.T) {
	got := &log{}
	j := New(Config{Bytes: 1 << 20}, got)
	for i := range 50_000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 16), byte(i >> 8)}), uint16(i)|1)
		if err := j.Packet(packetOf(fmt.Sprint(i), from.String(), server, 0, make([]byte, i%1400)), int64(i)*ms/100); err != nil {
			t.Fatal(err)
		}
		var r [32]byte
		binary.BigEndian.PutUint32(r[:], uint32(i))
		if err := j.KeyLog(fmt.Appendf(nil, "CLIENT_RANDOM %x %s\n", r, strings.Repeat("55", 48)), 0); err != nil {
			t.Fatal(err)
		}
		if j.waiting.bytes > 1<<20 {
			t.Fatalf("%d bytes wait", j.waiting.bytes)
		}
	}
	if err := j.Flush(0); err != nil {
		t.Fatal(err)
	}
	for i, l := range got.lines {
		if l != fmt.Sprintf("packet %d", i) {
			t.Fatalf("%d: %s", i, l)
		}
	}
	if s := j.Stats(); len(got.lines) != 50_000 || s.Packets != 50_000 || s.Unmatched != 50_000 || len(j.logs.waiting) > mostWaiting {
		t.Errorf("%d %+v", len(got.lines), s)
	}
}

// TestRing holds that a ring gives its last packets with the secrets of their connections first, and then all that comes.
func TestRing(t *testing.T) {
	a, b := EndsOf(netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)), EndsOf(netip.MustParseAddrPort("192.0.2.1:1001"), netip.MustParseAddrPort(server))
	r := NewRing(RingConfig{Age: 1000 * ms})
	got := &log{}
	err := errors.Join(r.Secrets(a, line("CLIENT_RANDOM", 1)), r.Secrets(b, line("CLIENT_RANDOM", 2)),
		r.Packet(a, packetOf("old", client, server, 0, nil)), r.Packet(a, packetOf("kept", client, server, 500*ms, nil)), r.Packet(a, packetOf("last", client, server, 1400*ms, nil)),
		r.Open(got), r.Packet(b, packetOf("b", "192.0.2.1:1001", server, 1500*ms, nil)), r.Secrets(a, line("CLIENT_RANDOM", 3)))
	if want := "secret 0101, packet kept, packet last, secret 0202, packet b, secret 0303"; err != nil || got.String() != want || r.Passed() != 1 {
		t.Errorf("%q, want %q; %v; %d passed", got, want, err, r.Passed())
	}
}

func TestRingBounded(t *testing.T) {
	r := NewRing(RingConfig{Bytes: 100_000})
	for i := range 5000 {
		e := EndsOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), uint16(i+1)), netip.MustParseAddrPort(server))
		if err := errors.Join(r.Secrets(e, []byte(strings.Repeat("x", 8000)+"\n")), r.Packet(e, packetOf("", client, server, int64(i), make([]byte, 1000)))); err != nil {
			t.Fatal(err)
		}
		if r.packets.bytes > 100_000 || r.bytes > mostHeld || len(r.ends) != r.packets.len() {
			t.Fatalf("%d bytes of packets, %d of secrets, %d for %d", r.packets.bytes, r.bytes, len(r.ends), r.packets.len())
		}
	}
}

// FuzzKeyLog holds that no lines make trouble, and that what goes on is of a connection that was seen.
func FuzzKeyLog(f *testing.F) {
	f.Add(line("CLIENT_RANDOM", 1), hello(1))
	f.Add([]byte("CLIENT_RANDOM  \n\n x"), []byte{22, 3, 3})
	f.Fuzz(func(t *testing.T, lines, payload []byte) {
		if len(payload) > 60_000 {
			return
		}
		j := New(Config{}, sinkFunc(func(_ Ends, lines []byte) {
			if _, r, ok := split(lines); !ok || j0(payload) != r {
				t.Errorf("%q went on", lines)
			}
		}))
		_ = errors.Join(j.KeyLog(lines, 0), j.Packet(packetOf("", client, server, 0, payload), 0), j.KeyLog(lines, 0), j.Flush(0))
	})
}

func j0(payload []byte) random { _, r := look(payload); return r }

type sinkFunc func(e Ends, lines []byte)

func (f sinkFunc) Secrets(e Ends, lines []byte) error  { f(e, lines); return nil }
func (f sinkFunc) Packet(_ Ends, _ *pcap.Packet) error { return nil }

// BenchmarkJoiner is the cost of one packet of 1,400 bytes on one of 1,000 connections.
func BenchmarkJoiner(b *testing.B) {
	var all []*pcap.Packet
	for i := range 1000 {
		all = append(all, packetOf("", fmt.Sprintf("10.0.%d.%d:%d", i>>8, i&255, i+1), server, 0, make([]byte, 1400)))
	}
	j := New(Config{}, sinkFunc(func(Ends, []byte) {}))
	b.SetBytes(1400)
	b.ReportAllocs()
	for i := range b.N {
		if err := j.Packet(all[i%len(all)], int64(i)*10_000); err != nil {
			b.Fatal(err)
		}
	}
}
