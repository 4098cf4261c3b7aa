package tcpstream

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

const (
	fin = packet.FIN
	syn = packet.SYN
	rst = packet.RST
	ack = packet.ACK
)

var (
	clientAddr = netip.MustParseAddrPort("192.0.2.1:40000")
	serverAddr = netip.MustParseAddrPort("198.51.100.2:443")
)

// script builds the segments of one dialogue; sequence numbers count from the ISNs, which are 1000 and 5000 unless set.
type script struct {
	isn   [2]uint32
	at    int64
	frame int64
	out   []packet.Segment
}

func newScript() *script { return &script{isn: [2]uint32{1000, 5000}, at: 1_700_000_000_000_000_000} }

// seg adds a segment of direction d, 1 ms after the one before.
func (b *script) seg(d int, flags uint8, seq, ackn uint32, data string) *packet.Segment {
	b.at += 1_000_000
	b.frame++
	s := packet.Segment{At: b.at, Frame: b.frame, Src: clientAddr, Dst: serverAddr, Hash: 77, Flags: flags, Window: 500, TTL: 64, IPID: uint16(b.frame),
		Length: len(data), Payload: []byte(data), Seq: b.isn[d] + seq, Ack: b.isn[d^1] + ackn}
	if d == 1 {
		s.Src, s.Dst = s.Dst, s.Src
	}
	if flags&ack == 0 {
		s.Ack = 0
	}
	b.out = append(b.out, s)
	return &b.out[len(b.out)-1]
}

func (b *script) c(flags uint8, seq, ackn uint32, data string) *packet.Segment {
	return b.seg(0, flags, seq, ackn, data)
}

func (b *script) s(flags uint8, seq, ackn uint32, data string) *packet.Segment {
	return b.seg(1, flags, seq, ackn, data)
}

// shake adds the three segments of a handshake.
func (b *script) shake() {
	b.c(syn, 0, 0, "")
	b.s(syn|ack, 0, 1, "")
	b.c(ack, 1, 1, "")
}

// story is what a Tracker told of all connections, in order, one line each.
type story struct {
	t     testing.TB
	lines []string
	conns []*told
	quiet bool // leave facts of no interest out
}

// told is one connection's part of it.
type told struct {
	story  *story
	conn   *Conn
	client netip.AddrPort
	stream [3]bytes.Buffer
	gaps   [3]int64
	facts  []fact.Fact
	ends   [3]int
	sent   [3]int64 // Conn.Bytes at the end
	done   bool
}

func (y *story) open(c *Conn) Handler {
	one := &told{story: y, conn: c, client: c.Client}
	y.conns = append(y.conns, one)
	return one
}

func (y *story) say(format string, args ...any) {
	y.lines = append(y.lines, fmt.Sprintf(format, args...))
}

func (o *told) alive() {
	if o.done {
		o.story.t.Error("a call after Done")
	}
}

func (o *told) Data(side fact.Side, at fact.Stamp, p []byte) {
	o.alive()
	if o.ends[side] > 0 || len(p) == 0 {
		o.story.t.Errorf("%d bytes of the %v at the wrong time", len(p), side)
	}
	o.stream[side].Write(p)
	o.story.say("%v %q", side, p)
}

func (o *told) Gap(side fact.Side, at fact.Stamp, n int64) {
	o.alive()
	if n <= 0 || o.ends[side] > 0 {
		o.story.t.Errorf("gap of %d bytes of the %v", n, side)
	}
	o.gaps[side] += n
	if n <= 1<<16 {
		o.stream[side].WriteString(strings.Repeat("?", int(n)))
	}
	o.story.say("%v gap %d", side, n)
}

func (o *told) End(side fact.Side, at fact.Stamp, how fact.Kind) {
	o.alive()
	o.ends[side]++
	o.story.say("%v end %v", side, how)
}

func (o *told) Fact(f fact.Fact) {
	o.alive()
	if f.Conn != o.conn.ID || f.At.IsZero() || f.Frame == 0 {
		o.story.t.Errorf("fact %+v of connection %d", f, o.conn.ID)
	}
	o.facts = append(o.facts, f)
	if o.story.quiet {
		return
	}
	line := fmt.Sprintf("%v %v", f.Side, f.Kind)
	if f.Code != 0 {
		line += fmt.Sprintf(" code %d", f.Code)
	}
	if f.Size != 0 {
		line += fmt.Sprintf(" size %d", f.Size)
	}
	if f.Text != "" {
		line += " " + f.Text
	}
	o.story.say("%s @%d", strings.TrimSpace(line), f.Frame)
}

func (o *told) Done() {
	o.alive()
	o.done, o.sent = true, o.conn.Bytes
	if o.ends[1] != 1 || o.ends[2] != 1 {
		o.story.t.Errorf("ends: %v", o.ends)
	}
	o.story.say("done")
}

// play runs segments through a Tracker.
func play(t testing.TB, cfg Config, segs []packet.Segment) *story {
	t.Helper()
	y := &story{t: t}
	tr := New(cfg, y.open)
	for i := range segs {
		s := segs[i]
		s.Payload = bytes.Clone(s.Payload)
		tr.Segment(&s)
		clear(s.Payload) // whoever kept it sees that
	}
	tr.Close()
	for _, c := range y.conns {
		if !c.done {
			t.Error("a connection without Done")
		}
	}
	if used := cfg.Budget.Used(); used != 0 {
		t.Errorf("%d bytes of the budget are still taken after Close", used)
	}
	return y
}
