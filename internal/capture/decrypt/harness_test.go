package decrypt

import (
	"encoding/binary"
	"os"
	"sort"
	"strconv"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// piece is one record of one side, as a capture has it.
type piece struct {
	side fact.Side
	rec  tlsrecord.Record
}

// conversation is the records of one connection in order.
type conversation []piece

type segment struct {
	at         fact.Stamp
	flow       string
	fromServer bool
	seq        uint32
	flags      byte
	payload    []byte
}

// readConversations reads the connections to port of a classic pcap file.
func readConversations(t testing.TB, path string, port int) []conversation {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if binary.BigEndian.Uint32(b) == 0xa1b2c3d4 {
		order = binary.BigEndian
	}
	link := order.Uint32(b[20:])
	b = b[24:]
	var segs []segment
	for frame := int64(1); len(b) >= 16; frame++ {
		n := order.Uint32(b[8:])
		at := fact.Stamp{At: int64(order.Uint32(b))*1e9 + int64(order.Uint32(b[4:]))*1e3, Frame: frame}
		p := b[16 : 16+n]
		b = b[16+n:]
		switch link {
		case 1:
			p = p[14:]
		case 113:
			p = p[16:]
		case 276:
			p = p[20:]
		}
		if p[0]>>4 != 4 || p[9] != 6 {
			continue
		}
		p = p[:binary.BigEndian.Uint16(p[2:])]
		tcp := p[int(p[0]&15)*4:]
		src, dst := int(binary.BigEndian.Uint16(tcp)), int(binary.BigEndian.Uint16(tcp[2:]))
		s := segment{at: at, seq: binary.BigEndian.Uint32(tcp[4:]), flags: tcp[13], payload: tcp[int(tcp[12]>>4)*4:]}
		switch port {
		case src:
			s.fromServer, s.flow = true, strconv.Itoa(dst)
		case dst:
			s.flow = strconv.Itoa(src)
		default:
			continue
		}
		segs = append(segs, s)
	}
	return join(segs)
}

// join puts the segments of each connection in order and cuts records off.
func join(segs []segment) []conversation {
	type end struct {
		next uint32
		open bool
		buf  []byte

		waiting []segment
	}
	type conn struct {
		ends [2]end
		out  conversation
	}
	conns := map[string]*conn{}
	var names []string
	for _, s := range segs {
		c := conns[s.flow]
		if c == nil {
			c = &conn{}
			conns[s.flow] = c
			names = append(names, s.flow)
		}
		i := 0
		if s.fromServer {
			i = 1
		}
		e := &c.ends[i]
		if s.flags&2 != 0 {
			e.next, e.open = s.seq+1, true
			continue
		}
		if !e.open && len(s.payload) > 0 {
			e.next, e.open = s.seq, true
		}
		if len(s.payload) == 0 {
			continue
		}
		e.waiting = append(e.waiting, s)
		sort.SliceStable(e.waiting, func(a, b int) bool { return int32(e.waiting[a].seq-e.waiting[b].seq) < 0 })
		for len(e.waiting) > 0 {
			w := e.waiting[0]
			skip := int32(e.next - w.seq)
			if skip < 0 {
				break
			}
			e.waiting = e.waiting[1:]
			if int(skip) >= len(w.payload) {
				continue
			}
			e.next += uint32(len(w.payload)) - uint32(skip)
			e.buf = append(e.buf, w.payload[skip:]...)
			for len(e.buf) >= 5 {
				n := int(e.buf[3])<<8 | int(e.buf[4])
				if len(e.buf) < 5+n || e.buf[0] < 20 || e.buf[0] > 24 {
					break
				}
				r := tlsrecord.Record{Type: e.buf[0], Version: uint16(e.buf[1])<<8 | uint16(e.buf[2]), Length: n, At: s.at, End: s.at, Payload: e.buf[5 : 5+n : 5+n]}
				c.out = append(c.out, piece{fact.Side(i + 1), r})
				e.buf = e.buf[5+n:]
			}
		}
	}
	var out []conversation
	for _, n := range names {
		out = append(out, conns[n].out)
	}
	return out
}

// listener keeps what a Session tells.
type listener struct {
	facts   []fact.Fact
	plain   [3][]byte
	early   []byte
	missing [3]int64
}

func (l *listener) Fact(f fact.Fact) { l.facts = append(l.facts, f) }
func (l *listener) Plain(side fact.Side, _ fact.Stamp, p []byte, early bool) {
	if early {
		l.early = append(l.early, p...)
		return
	}
	l.plain[side] = append(l.plain[side], p...)
}
func (l *listener) Missing(side fact.Side, _ fact.Stamp, n int64) { l.missing[side] += n }

func (l *listener) count(k fact.Kind) int {
	n := 0
	for _, f := range l.facts {
		if f.Kind == k {
			n++
		}
	}
	return n
}

// play runs a conversation through a Session.
func play(c conversation, src *secrets.Store) (*Session, *listener) {
	l := &listener{}
	s := New(Config{}, src, l)
	var last fact.Stamp
	for i := range c {
		s.Record(c[i].side, &c[i].rec)
		last = c[i].rec.End
	}
	s.Close(last)
	return s, l
}

// storeOf holds the secrets of a capture: its key log, or with key the server's private key.
func storeOf(t testing.TB, c captures.Capture, key bool) *secrets.Store {
	t.Helper()
	st := secrets.New()
	if key {
		b, err := os.ReadFile(captures.RSAKeyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := st.AddPrivateKey("server", b, nil); err != nil {
			t.Fatal(err)
		}
		return st
	}
	if c.KeyLog == "" {
		return st
	}
	f, err := os.Open(c.KeyLog)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := st.AddKeyLog(c.Name, f); err != nil {
		t.Fatal(err)
	}
	return st
}
