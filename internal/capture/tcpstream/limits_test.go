package tcpstream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// counter is a Handler that counts.
type counter struct {
	discard
	bytes, gaps int64
	facts       map[fact.Kind]int
	done        bool
}

func (n *counter) Data(_ fact.Side, _ fact.Stamp, p []byte) { n.bytes += int64(len(p)) }
func (n *counter) Gap(_ fact.Side, _ fact.Stamp, g int64)   { n.gaps += g }
func (n *counter) Fact(f fact.Fact)                         { n.facts[f.Kind]++ }
func (n *counter) Done()                                    { n.done = true }

func newCounter() *counter { return &counter{facts: map[fact.Kind]int{}} }

// TestAFloodOfSYNs: each opens a connection; the one that speaks stays.
func TestAFloodOfSYNs(t *testing.T) {
	b := budget.New(1 << 20)
	all := []*counter{}
	tr := New(Config{Budget: b}, func(*Conn) Handler {
		all = append(all, newCounter())
		return all[len(all)-1]
	})
	handshake(tr, 0, 1)
	for n := 1; n < 50000; n++ {
		from, to := endpoints(n)
		tr.Segment(&packet.Segment{At: 1_700_000_000_000_000_000 + int64(n), Frame: int64(n + 10), Src: from, Dst: to, Hash: stir(n), Flags: packet.SYN, Window: 1})
	}
	if b.Peak() > 1<<20 || tr.Stats().Evicted == 0 || all[0].done {
		t.Errorf("peak %d, %+v, the first connection is over: %v", b.Peak(), tr.Stats(), all[0].done)
	}
	tr.Close()
	for i, c := range all {
		if !c.done {
			t.Fatalf("connection %d has no end", i)
		}
	}
	if b.Used() != 0 || len(all) != 50000 || int(tr.Stats().Connections) != len(all) {
		t.Errorf("%d bytes, %d connections, %+v", b.Used(), len(all), tr.Stats())
	}
}

// TestPortsUsedForEver: the same four numbers begin again and again.
func TestPortsUsedForEver(t *testing.T) {
	b, n := budget.New(1<<20), 0
	tr := New(Config{Budget: b}, func(*Conn) Handler { n++; return nil })
	for i := range 10000 {
		tr.Segment(&packet.Segment{At: int64(i + 1), Frame: int64(i + 1), Src: clientAddr, Dst: serverAddr, Flags: syn, Seq: uint32(i * 1000), Window: 1})
	}
	if tr.table.n != 1 || n != 10000 || b.Peak() > 2*connCost {
		t.Errorf("%d connections at once of %d, peak %d", tr.table.n, n, b.Peak())
	}
	tr.Close()
}

// TestHolesForEver: every second segment of a long stream is missing, on many connections that share little memory.
func TestHolesForEver(t *testing.T) {
	const conns, segs, size = 50, 600, 1000
	b := budget.New(256 << 10)
	one := newCounter()
	tr := New(Config{Budget: b}, func(*Conn) Handler { return one })
	for i := range conns {
		handshake(tr, i, int64(3*i+1))
	}
	data := make([]byte, size)
	for n := range segs {
		for i := range conns {
			to, from := endpoints(i)
			tr.Segment(&packet.Segment{At: 1_700_000_000_000_000_000, Frame: int64(n + 1000), Src: from, Dst: to, Hash: stir(i), Flags: ack, Window: 1,
				Seq: uint32(1 + size + 2*n*size), Ack: 1, Length: size, Payload: data})
		}
	}
	tr.Close()
	if one.bytes != conns*segs*size || one.gaps != conns*segs*size || b.Peak() > 256<<10 || b.Used() != 0 {
		t.Errorf("%d bytes, %d in gaps, want %d of both; peak %d", one.bytes, one.gaps, conns*segs*size, b.Peak())
	}
}

// TestTheWindow: what waits for a lost segment goes on once the window is full, in segments or in bytes.
func TestTheWindow(t *testing.T) {
	for _, test := range []struct{ size, segs, least int }{{100, 1100, 1000}, {10000, 150, 90}} {
		one := newCounter()
		tr := New(Config{}, func(*Conn) Handler { return one })
		handshake(tr, 0, 1)
		to, from := endpoints(0)
		for n := range test.segs {
			tr.Segment(&packet.Segment{At: 1_700_000_000_000_000_000, Frame: int64(n + 10), Src: from, Dst: to, Hash: stir(0), Flags: ack, Window: 1,
				Seq: uint32(1 + 5 + n*test.size), Ack: 1, Length: test.size, Payload: make([]byte, test.size)})
			if waited := one.bytes == 0; waited != (n < test.least) && n != test.segs-1 && (n < test.least || n > test.least+60) {
				t.Fatalf("after %d segments of %d bytes: %d delivered", n+1, test.size, one.bytes)
			}
		}
		if one.gaps != 5 || one.bytes != int64(test.size*test.segs) || one.facts[fact.TCPGap] != 1 {
			t.Errorf("%d bytes, gaps of %d, facts %v", one.bytes, one.gaps, one.facts)
		}
		tr.Close()
	}
}

// TestMoreThan4GiB: numbers wrap, twice, and segments out of order stay in order across it.
func TestMoreThan4GiB(t *testing.T) {
	one := newCounter()
	tr := New(Config{Budget: budget.New(64 << 20)}, func(*Conn) Handler { return one })
	handshake(tr, 0, 1)
	to, from := endpoints(0)
	data := make([]byte, 256<<10)
	const segs = 9 << 12
	for n := range uint32(segs) {
		i := n
		if n%1001 < 2 && n > 2 && n < segs-4 {
			i = n - n%1001 + 1 - n%1001
		}
		tr.Segment(&packet.Segment{At: 1_700_000_000_000_000_000, Frame: int64(n + 10), Src: from, Dst: to, Hash: stir(0), Flags: ack, Window: 1,
			Seq: 1 + i*uint32(len(data)), Ack: 1, Length: len(data), Payload: data})
	}
	tr.Close()
	if one.bytes != int64(segs)*int64(len(data)) || one.gaps != 0 {
		t.Errorf("%d bytes, %d in gaps", one.bytes, one.gaps)
	}
}

// TestLies: segments with numbers that cannot be are no gap and hold nothing up.
func TestLies(t *testing.T) {
	b := newScript()
	b.shake()
	b.c(ack, 1, 1, "abc")
	b.s(ack, 1, 400_000, "one") // acknowledges what was never sent
	b.s(ack, 4, 4, "two")
	b.c(ack, 100_000_000, 7, "far")
	for i := range uint32(2000) {
		b.c(ack, 4+3*i, 7, "def")
	}
	y := play(t, Config{}, b.out)
	c := y.conns[0]
	if c.gaps != [3]int64{} || c.stream[1].String() != "abc"+strings.Repeat("def", 2000) || c.stream[2].String() != "onetwo" {
		t.Errorf("gaps %v, %.200s", c.gaps, strings.Join(y.lines, "\n"))
	}
	if text := strings.Join(y.lines, "\n"); !strings.Contains(text, "outside_window") {
		t.Errorf("%.2000s", text)
	}
}

func TestSilence(t *testing.T) {
	b := newScript()
	b.shake()
	b.c(ack, 1, 1, "GET")
	b.at += 60e9
	b.c(ack, 3, 1, "T") // keep-alive
	b.s(ack, 1, 4, "")
	b.at += 60e9
	b.s(ack, 1, 4, "200")
	b.s(ack, 4, 4, "200")
	y := play(t, Config{Silence: 1e9}, b.out)
	want := opened + `client "GET"
silence size 120003000000 @4
server "200"
server "200"
client tcp_keep_alive code 1 @5
client end none
server end none
done`
	if got := strings.Join(y.lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestICMP(t *testing.T) {
	y := &story{t: t}
	tr := New(Config{}, y.open)
	b := newScript()
	b.shake()
	for i := range b.out {
		tr.Segment(&b.out[i])
	}
	for _, i := range []packet.ICMP{{Type: 3, Code: 4, MTU: 1400}, {Type: 3, Code: 1}, {V6: true, Type: 2, MTU: 1280}, {Type: 3, Code: 99}} {
		tr.ICMP(&packet.Segment{At: b.at, Frame: 9, Src: serverAddr, Dst: clientAddr, Hash: 77, ICMP: i})
	}
	tr.ICMP(&packet.Segment{At: b.at, Frame: 9, Src: clientAddr, Dst: clientAddr, Hash: 78})
	want := `server icmp_unreachable code 772 fragmentation needed, mtu 1400 @9
server icmp_unreachable code 769 host unreachable @9
server icmp_unreachable code 512 packet too big, mtu 1280 @9
server icmp_unreachable code 867 icmp type 3 code 99 @9`
	if got := strings.Join(y.lines[3:], "\n"); got != want || tr.Stats().Ignored != 1 {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRecordedOnesShuffled: the streams of every recorded connection stay what they are however its packets are mixed.
func TestRecordedOnesShuffled(t *testing.T) {
	for i, c := range captures.All(t) {
		segs := segments(t, c.Path)
		want := streams(play(t, Config{}, segs))
		r := rand.New(rand.NewPCG(uint64(i), 6))
		for what, mixed := range map[string][]packet.Segment{"shuffled": shuffled(r, copied(r, segs), 8), "in any order": shuffled(r, segs, len(segs)), "cut": pieces(r, segs)} {
			if reused(segs) && what != "cut" {
				continue
			}
			if got := streams(play(t, Config{}, mixed)); got != want {
				t.Errorf("%s, %s: streams differ: %d bytes, want %d\n%.200q\n%.200q", c.Name, what, len(got), len(want), got, want)
			}
		}
	}
}

// reused reports whether ports of the capture begin more than one connection: these cannot be told apart out of order.
func reused(segs []packet.Segment) bool {
	isn := map[string]uint32{}
	for _, s := range segs {
		if s.Flags&(syn|ack) == syn {
			if before, ok := isn[s.Src.String()]; ok && before != s.Seq {
				return true
			}
			isn[s.Src.String()] = s.Seq
		}
	}
	return false
}

// streams are the bytes of all connections by client port.
func streams(y *story) string {
	all := map[string]string{}
	for _, c := range y.conns {
		all[c.client.String()] += fmt.Sprintf("%q %q ", c.stream[1].String(), c.stream[2].String())
	}
	return fmt.Sprint(all)
}
