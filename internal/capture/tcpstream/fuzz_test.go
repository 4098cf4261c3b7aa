package tcpstream

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// content is the byte that every stream of the fuzz target has at a sequence number.
func content(seq uint32) byte { return byte(seq * 167 >> 4) }

// auditor is a Handler that knows the connection behind it, and checks that what is delivered is whole, once and in place.
type auditor struct {
	told
	c  *conn
	at [3]int64
}

func (a *auditor) moved(side fact.Side, n int64) int64 {
	p := &a.c.half[side-1]
	if from := p.next - n; a.at[side] != 0 && from != a.at[side] || n <= 0 {
		a.story.t.Errorf("%v: %d bytes delivered at %d, the last ended at %d", side, n, from, a.at[side])
	}
	a.at[side] = p.next
	return p.next - n
}

func (a *auditor) Data(side fact.Side, at fact.Stamp, p []byte) {
	a.told.Data(side, at, p)
	from := a.moved(side, int64(len(p)))
	for i, b := range p {
		if b != content(uint32(from)+uint32(i)) {
			a.story.t.Fatalf("%v: wrong byte at %d", side, from+int64(i))
		}
	}
}

func (a *auditor) Gap(side fact.Side, at fact.Stamp, n int64) {
	a.told.Gap(side, at, n)
	a.moved(side, n)
}

// behind finds the connection that shows itself as info.
func behind(t *Tracker, info *Conn) *conn {
	for _, c := range t.table.buckets {
		for ; c != nil; c = c.next {
			if &c.info == info {
				return c
			}
		}
	}
	return nil
}

// FuzzSegments runs a byte script of segments: 8 bytes for each.
func FuzzSegments(f *testing.F) {
	f.Add([]byte("\x00\x00abcdefgh01234567ijklmnop89ABCDEF"))
	f.Add([]byte{9, 4,
		0, 0x02, 0, 0, 0, 0, 0, 1,
		1, 0x12, 0, 0, 1, 0, 0, 1,
		0, 0x10, 1, 0, 1, 0, 0, 1,
		0, 0x10, 9, 0, 1, 0, 9, 1,
		1, 0x10, 1, 0, 20, 0, 40, 1,
		0, 0x10, 1, 0, 1, 0, 9, 1,
		0, 0x11, 18, 0, 41, 0, 9, 1,
		1, 0x14, 41, 0, 20, 0, 0, 1})
	f.Fuzz(audit)
}

// audit runs a script and checks what must hold of any.
func audit(t *testing.T, script []byte) {
	if len(script) < 2 || len(script) > 1<<13 {
		return
	}
	b := budget.New(int64(connCost*2 + int(script[1])*128))
	y := &story{t: t, quiet: true}
	var tr *Tracker
	tr = New(Config{Budget: b, Window: Window{Bytes: 1 + int(script[0])*8, Segments: 1 + int(script[0]&15)}, MaxConns: 1 + int(script[0]&3), Silence: 5e7},
		func(c *Conn) Handler {
			one := &auditor{told: told{story: y, conn: c}, c: behind(tr, c)}
			y.conns = append(y.conns, &one.told)
			return one
		})
	at := int64(1e9)
	script = script[2:]
	for frame := int64(1); len(script) >= 8; frame++ {
		s := scripted(script, &at, frame)
		script = script[8:]
		if s.ICMP.Type != 0 {
			tr.ICMP(s)
			continue
		}
		tr.Segment(s)
	}
	tr.Close()
	if b.Used() != 0 || tr.table.n != 0 || tr.live.n+tr.begun.n+tr.over.n != 0 {
		t.Fatalf("%d bytes of the budget, %d connections left", b.Used(), tr.table.n)
	}
	for _, c := range y.conns {
		if !c.done {
			t.Fatal("a connection without Done")
		}
		for _, f := range c.facts {
			if f.Kind == fact.TCPOverlap {
				t.Fatalf("%+v, and no byte differs", f)
			}
		}
	}
}

// TestScripts runs scripts at random: the fuzz target without its engine.
func TestScripts(t *testing.T) {
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 5))
		script := make([]byte, 2+8*r.IntN(80))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		for i := 2; i+8 <= len(script); i += 8 {
			script[i] &= 0x33 >> r.IntN(6) // mostly near
			script[i+1] = []byte{0x10, 0x10, 0x18, 0x10, 0x10, 0x10, 0x02, 0x12, 0x11, 0x14}[script[i+1]%10]
			script[i+3] &= 1
			script[i+5] &= 1
		}
		audit(t, script)
	}
}

// scripted makes a segment of 8 bytes.
func scripted(b []byte, at *int64, frame int64) *packet.Segment {
	d := uint32(b[0] & 1)
	*at += int64(int8(b[7])) * 1e7
	*at = max(*at, 1)
	s := &packet.Segment{At: *at, Frame: frame, Src: clientAddr, Dst: serverAddr, Hash: 7, Flags: b[1], Window: uint16(b[7] & 3), IPID: uint16(b[7])}
	if b[0]&2 != 0 {
		s.Src, s.Hash = netip.AddrPortFrom(clientAddr.Addr(), 40001), 8
	}
	far := uint32(b[0]>>4&3) * 0x30000000
	if b[0]&8 != 0 {
		far = 0xfffffff0
	}
	s.Seq = d*5000 + uint32(binary.LittleEndian.Uint16(b[2:])) + far
	s.Ack = (1-d)*5000 + uint32(binary.LittleEndian.Uint16(b[4:]))
	s.Length = int(b[6])
	s.Payload = make([]byte, s.Length)
	from := s.Seq
	if s.Flags&packet.SYN != 0 {
		from++
	}
	for i := range s.Payload {
		s.Payload[i] = content(from + uint32(i))
	}
	if b[0]&0x80 != 0 {
		s.Payload = s.Payload[:s.Length/2]
	}
	if b[0]&0xc0 == 0xc0 {
		s.ICMP = packet.ICMP{Type: 3, Code: b[1]}
	}
	if d == 1 {
		s.Src, s.Dst = s.Dst, s.Src
	}
	return s
}
