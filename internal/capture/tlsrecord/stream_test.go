package tlsrecord

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// record makes one of n bytes that differ from record to record.
func record(typ uint8, n int) []byte {
	p := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(typ), uint64(n)))
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return append([]byte{typ, 3, 3, byte(n >> 8), byte(n)}, p...)
}

// said is what a stream handed on, in words.
type said struct {
	s       Stream
	lines   []string
	payload []byte
}

func (w *said) on(r *Record) {
	line := fmt.Sprintf("%d@%d+%d %d..%d", r.Type, r.Offset, r.Length, r.At.Frame, r.End.Frame)
	switch {
	case r.Unknown:
		line = fmt.Sprintf("unknown@%d+%d", r.Offset, r.Skipped)
	case r.Lost:
		line = fmt.Sprintf("lost %d@%d+%d", r.Type, r.Offset, r.Length)
	case len(r.Payload) != r.Length || r.Payload == nil:
		line += fmt.Sprintf(" has %d bytes", len(r.Payload))
	}
	if len(r.Tail) > 0 {
		line += fmt.Sprintf(" tail %x", r.Tail[max(0, len(r.Tail)-4):])
	}
	w.lines = append(w.lines, line)
	w.payload = append(w.payload, r.Payload...)
}

// feed cuts p into pieces of n bytes; each byte's stamp is the frame it lies in, frames being 100 bytes long.
func (w *said) feed(p []byte, n int) {
	for len(p) > 0 {
		frame := 1 + w.s.off/100
		k := min(n, len(p), int(frame*100-w.s.off))
		if !w.s.Feed(fact.Stamp{Frame: frame}, p[:k], w.on) {
			off := w.s.off
			w.s.Feed(fact.Stamp{}, p[k:], w.on)
			w.s.off = off
			return
		}
		p = p[k:]
	}
}

func (w *said) gap(n int64) { w.s.Gap(fact.Stamp{Frame: 1 + w.s.off/100}, n, w.on) }

func TestRecords(t *testing.T) {
	stream := slices.Concat(record(22, 200), record(20, 1), record(23, 0), record(23, tlswire.MaxRecordPayload), record(24, 3), record(21, 2))
	want := []string{"22@0+200 1..3", "20@205+1 3..3", "23@211+0 3..3", "23@216+18432 3..187", "24@18653+3 187..187", "21@18661+2 187..187"}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 99, 100, 1448, len(stream)} {
		var w said
		w.feed(stream, n)
		if !slices.Equal(w.lines, want) {
			t.Errorf("in pieces of %d: %q", n, w.lines)
		}
		if have, lacks := w.s.Pending(); have != 0 || lacks != 0 || w.s.Lost() != nil {
			t.Errorf("in pieces of %d: pending %d, %d, lost %q", n, have, lacks, w.s.Lost())
		}
	}
}

func TestARecordInOnePieceIsNotCopied(t *testing.T) {
	p := record(23, 100)
	var s Stream
	s.Feed(fact.Stamp{}, p, func(r *Record) {
		if &r.Payload[0] != &p[5] || cap(r.Payload) != 100 {
			t.Error("the payload is a copy, or more than the record")
		}
	})
}

func TestNotTLS(t *testing.T) {
	for _, tt := range []struct{ stream, lost string }{
		{"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400 Bad Request\r\n"},
		{"\x16\x03\x01\x00\x01x220 ready", "220 ready"},
		{"\x16\x03\x01\x48\x01", "\x16\x03\x01\x48\x01"}, // longer than a record may be
		{"\x19\x03\x03\x00\x01x", "\x19\x03\x03\x00\x01x"},
		{"\x17\x02", "\x17\x02"},
		{string(bytes.Repeat([]byte("x"), 100)), string(bytes.Repeat([]byte("x"), 64))},
		{"\x16\x03\x01\x00\x01x\x80\x2e\x01\x03\x01", "\x80\x2e\x01\x03\x01"}, // SSL 2.0 is for the start
		{"\x80\x2e\x04\x00\x02", "\x80\x2e\x04\x00\x02"},                      // a server of SSL 2.0
	} {
		for _, n := range []int{1, 3, 1000} {
			var w said
			w.feed([]byte(tt.stream), n)
			if got := string(w.s.Lost()); got != tt.lost {
				t.Errorf("%.20q in pieces of %d: lost %q", tt.stream, n, got)
			}
		}
	}
}

func TestSSL2ClientHello(t *testing.T) {
	hello := "\x80\x0e\x01\x03\x01\x00\x03\x00\x00\x00\x02\x00\x00\x05xy"
	for _, n := range []int{1, 2, 4, 5, 6, 1000} {
		var w said
		w.feed(append([]byte(hello), record(22, 7)...), n)
		if want := []string{"128@0+14 1..1", "22@16+7 1..1"}; !slices.Equal(w.lines, want) || string(w.payload[:14]) != hello[2:] {
			t.Errorf("in pieces of %d: %q", n, w.lines)
		}
	}
}

func TestPendingAndClose(t *testing.T) {
	for _, tt := range []struct {
		stream      []byte
		have, lacks int
	}{
		{nil, 0, 0},
		{record(23, 9), 0, 0},
		{record(23, 9)[:4], 4, 1},
		{record(23, 9)[:5], 5, 9},
		{record(23, 9)[:10], 10, 4},
	} {
		var w said
		w.feed(tt.stream, 1000)
		for range 2 {
			if have, lacks := w.s.Pending(); have != tt.have || lacks != tt.lacks {
				t.Errorf("%x: pending %d, %d", tt.stream, have, lacks)
			}
			w.s.Close(fact.Stamp{}, w.on)
		}
		if w.s.Feed(fact.Stamp{}, record(23, 1), w.on) {
			t.Error("a closed stream goes on")
		}
	}
}

// Two thousand idle streams share a few buffers.
func TestBuffersComeBack(t *testing.T) {
	var shared Buffers
	rec := record(23, 5000)
	for range 2000 {
		s := Stream{Buffers: &shared}
		got := 0
		for p := rec; len(p) > 0; p = p[min(1448, len(p)):] {
			s.Feed(fact.Stamp{}, p[:min(1448, len(p))], func(r *Record) { got += len(r.Payload) })
		}
		if got != 5000 || s.body != nil {
			t.Fatalf("%d bytes, buffer of %d kept", got, cap(s.body))
		}
	}
	if len(shared.small) != 1 || len(shared.large) != 1 {
		t.Errorf("%d small and %d large buffers were made", len(shared.small), len(shared.large))
	}
}
