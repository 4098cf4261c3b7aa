package analysis

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
)

// frames is a capture that is made up while it is read: next writes the IPv4 packet number n behind b.
type frames struct {
	next func(b []byte, n int) []byte
	left int64 // bytes to come
	n    int
	buf  []byte
	at   int
	peak uint64
	seen int
}

func (f *frames) Read(p []byte) (int, error) {
	if f.n == 0 {
		const header = "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x65\x00\x00\x00"
		f.buf, f.n = append(f.buf, header...), 1
	}
	if f.at == len(f.buf) {
		if f.left <= 0 {
			return 0, io.EOF
		}
		f.fill()
	}
	n := copy(p, f.buf[f.at:])
	f.at += n
	f.left -= int64(n)
	return n, nil
}

// fill makes about 64 KiB and looks at the memory now and then.
func (f *frames) fill() {
	f.buf, f.at = f.buf[:0], 0
	for len(f.buf) < 64<<10 {
		from := len(f.buf)
		f.buf = append(f.buf, make([]byte, 16)...)
		f.buf = f.next(f.buf, f.n)
		size := uint32(len(f.buf) - from - 16)
		binary.LittleEndian.PutUint32(f.buf[from:], uint32(1_700_000_000+f.n/100_000))
		binary.LittleEndian.PutUint32(f.buf[from+4:], uint32(f.n%100_000*10))
		binary.LittleEndian.PutUint32(f.buf[from+8:], size)
		binary.LittleEndian.PutUint32(f.buf[from+12:], size)
		f.n++
	}
	if f.seen++; f.seen%16 == 0 {
		f.peak = max(f.peak, inUse())
	}
}

// inUse is what the runtime has of the system and did not give back.
func inUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// segment is an IPv4 packet from client number c to a server, or back.
func segment(b []byte, c int, back bool, flags byte, seq, ack uint32, payload string) []byte {
	var h [40]byte
	h[0], h[8], h[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(h[2:], uint16(40+len(payload)))
	client, server, from, to := h[12:16], h[16:20], h[20:22], h[22:24]
	if back {
		client, server, from, to = server, client, to, from
	}
	binary.BigEndian.PutUint32(client, 10<<24|uint32(c>>15))
	binary.BigEndian.PutUint32(server, 192<<24|2<<8|1)
	binary.BigEndian.PutUint16(from, uint16(0x8000|c&0x7fff))
	binary.BigEndian.PutUint16(to, 443)
	binary.BigEndian.PutUint32(h[24:], seq)
	binary.BigEndian.PutUint32(h[28:], ack)
	h[32], h[33] = 5<<4, flags
	binary.BigEndian.PutUint16(h[34:], 65535)
	return append(append(b, h[:]...), payload...)
}

const (
	fin  = 1
	syn  = 2
	ack  = 16
	full = 1400 // bytes of a payload
)

// hostile captures: each tries to make something grow.
func hostile() map[string]func(b []byte, n int) []byte {
	long := strings.Repeat("x", full)
	// conversation opens connection after connection; the client of each then says the same in so many segments, all at once for width connections.
	conversation := func(width, segments int, first string, rest string) func([]byte, int) []byte {
		return func(b []byte, n int) []byte {
			group, i := n/(width*(segments+1)), n%(width*(segments+1))
			c, turn := group*width+i%width, i/width
			if turn == 0 {
				return segment(b, c, false, syn, 0, 0, "")
			}
			said := rest
			if turn == 1 {
				said = first
			}
			seq := uint32(1)
			if turn > 1 {
				seq += uint32(len(first) + (turn-2)*len(rest))
			}
			return segment(b, c, false, ack, seq, 1, said)
		}
	}
	return map[string]func(b []byte, n int) []byte{
		"SYNs to ever new ports": func(b []byte, n int) []byte { return segment(b, n, false, syn, uint32(n), 0, "") },
		"data from the middle":   func(b []byte, n int) []byte { return segment(b, n, false, ack, 1, 1, "some data") },
		"never in order, one connection": func(b []byte, n int) []byte {
			return segment(b, 1, false, ack, uint32(n)*2*full, 1, long)
		},
		"never in order, many connections": func(b []byte, n int) []byte {
			if n%8 == 0 {
				return segment(b, n/8, false, syn, 0, 0, "")
			}
			return segment(b, n/8, false, ack, uint32(n%8)*2*full, 1, long)
		},
		"backwards": func(b []byte, n int) []byte {
			return segment(b, n>>16, false, ack, uint32(1<<30-n&0xffff*10), 1, "0123456789")
		},
		"one tuple for ever": func(b []byte, n int) []byte {
			return segment(b, 7, n%3 == 1, []byte{syn, syn | ack, fin | ack}[n%3], uint32(n/3)*1000003, 1, "")
		},
		"records without an end":      conversation(30000, 11, "\x17\x03\x03\x40\x00"+long[5:], long),
		"heads without an end":        conversation(2000, 180, "GET / HTTP/1.1\r\nHost: a\r\nX: ", strings.Repeat("y: "+long[:100]+"\r\n", 13)),
		"a CONNECT without an end":    conversation(20000, 40, "CONNECT a:1 HTTP/1.1\r\nX: ", long),
		"a handshake without an end":  conversation(2000, 160, "\x16\x03\x01\x02\x00\x01\x03\xff\xff"+long[:508], "\x16\x03\x01\x05\x00"+long[:0x500]),
		"HTTP/2 streams without end":  conversation(500, 800, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x04\x00\x01\x04\x00\x00\x00\x01"+long[:1024]),
		"requests without an answer":  conversation(500, 800, "GET / HTTP/1.1\r\n\r\n", strings.Repeat("GET /"+long[:80]+" HTTP/1.1\r\n\r\n", 13)),
		"a pause between all packets": func(b []byte, n int) []byte { return segment(b, n%64, n&64 != 0, ack, uint32(n/128)*9, 1, "some data") },
	}
}

// Whatever a capture tries, memory stays within the budget and what a run needs beside it. With LUNETTE_SOAK=1 each is 1 GB long.
func TestHostileCaptures(t *testing.T) {
	size, memory, beside := int64(8<<20), int64(16<<20), uint64(100<<20)
	if os.Getenv("LUNETTE_SOAK") != "" {
		size, memory = 1<<30, defaultMemory
	} else if testing.Short() {
		t.Skip("makes 300 MB of packets")
	}
	for name, next := range hostile() {
		debug.FreeOSMemory()
		before := inUse()
		f := &frames{next: next, left: size}
		report := run(t, Config{Memory: memory, Inputs: []Input{{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(f), nil }}}})
		peak := max(f.peak, inUse())
		line := fmt.Sprintf("%s: %d MB in use, %d before, %d packets, %d connections, %d flows, %d omitted, %d evicted", name, peak>>20, before>>20,
			report.Packets.All, report.Connections, len(report.Flows), report.Omitted, report.Evicted)
		t.Log(line)
		if peak > before+uint64(memory)+beside {
			t.Errorf("%s: more than %d MB", line, (before+uint64(memory)+beside)>>20)
		}
		if report.Packets.All == 0 || report.Packets.TCP != report.Packets.All {
			t.Errorf("%s: %+v", name, report.Packets)
		}
	}
}
