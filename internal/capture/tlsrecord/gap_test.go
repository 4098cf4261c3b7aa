package tlsrecord

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// A stream of four records, at 0, 105, 310 and 415, that ends at 465; bytes from and up to are missing.
func TestGaps(t *testing.T) {
	parts := [][]byte{record(23, 100), record(23, 200), record(23, 100), record(23, 45)}
	stream := slices.Concat(parts...)
	first, second, third, fourth := "23@0+100 1..2", "23@105+200 2..4", "23@310+100 4..5", "23@415+45 5..5"
	tail := func(end int) string { return fmt.Sprintf(" tail %x", stream[end-4:end]) }
	for _, tt := range []struct {
		from, to int
		want     []string
	}{
		{50, 60, []string{"lost 23@0+100" + tail(105), second, third, fourth}},
		{50, 105, []string{"lost 23@0+100", second, third, fourth}},
		{5, 105, []string{"lost 23@0+100", second, third, fourth}},
		{50, 103, []string{"lost 23@0+100 tail " + fmt.Sprintf("%x", stream[103:105]), second, third, fourth}},
		{50, 107, []string{"lost 23@0+100", "unknown@105+205" + tail(310), third, fourth}},
		{50, 310, []string{"lost 23@0+100", "unknown@105+205", third, fourth}},
		{105, 310, []string{first, "unknown@105+205", third, fourth}},
		{107, 320, []string{first, "unknown@105+310" + tail(415), fourth}},
		{0, 105, []string{"unknown@0+105", second, third, fourth}},
		{400, 415, []string{first, second, "lost 23@310+100", fourth}},
		{300, 415, []string{first, "lost 23@105+200", "unknown@310+105", fourth}},
		{300, 420, []string{first, "lost 23@105+200", "unknown@310+155"}},
		{420, 465, []string{first, second, third, "lost 23@415+45"}},
		{464, 470, []string{first, second, third, "lost 23@415+45", "unknown@465+5"}},
	} {
		for _, n := range []int{1, 2, 7, 1000} {
			var w said
			w.feed(stream[:tt.from], n)
			w.gap(int64(tt.to - tt.from))
			w.feed(stream[min(tt.to, len(stream)):], n)
			w.s.Close(fact.Stamp{}, w.on)
			if !slices.Equal(w.lines, tt.want) {
				t.Errorf("without %d..%d, in pieces of %d:\n%q\n%q", tt.from, tt.to, n, w.lines, tt.want)
			}
		}
	}
}

// A record that is followed by silence is sure when the other side speaks.
func TestSettle(t *testing.T) {
	var w said
	w.gap(10)
	w.feed(record(23, 50), 9)
	if w.lines != nil {
		t.Fatalf("%q before it is sure", w.lines)
	}
	if have, lacks := w.s.Pending(); have != 55 || lacks != 0 {
		t.Errorf("pending %d, %d", have, lacks)
	}
	w.s.Settle(w.on)
	w.s.Settle(w.on)
	w.feed(record(23, 30), 9)
	if want := []string{"unknown@0+10", "23@10+50 1..1", "23@65+30 1..1"}; !slices.Equal(w.lines, want) {
		t.Errorf("%q", w.lines)
	}
}

func TestMidstream(t *testing.T) {
	stream := slices.Concat(record(23, 300), record(23, 40), record(21, 26))
	for from, want := range map[int][]string{
		0:   {"23@0+300 1..4", "23@305+40 4..4", "21@350+26 4..4"},
		1:   {"unknown@0+304", "23@304+40 4..4", "21@349+26 4..4"},
		100: {"unknown@0+205", "23@205+40 3..3", "21@250+26 3..3"},
		305: {"23@0+40 1..1", "21@45+26 1..1"},
		306: {"unknown@0+44", "21@44+26 1..1"},
	} {
		for _, n := range []int{1, 3, 1000} {
			var w said
			w.s.Midstream()
			w.feed(stream[from:], n)
			w.s.Close(fact.Stamp{}, w.on)
			for i, line := range w.lines {
				w.lines[i], _, _ = strings.Cut(line, " tail")
			}
			if !slices.Equal(w.lines, want) {
				t.Errorf("from %d in pieces of %d: %q", from, n, w.lines)
			}
		}
	}
	var w said
	w.s.Midstream()
	w.feed(make([]byte, 50000), 1448)
	if len(w.s.Lost()) != 64 || w.lines != nil {
		t.Errorf("no TLS at all: lost %d bytes, %q", len(w.s.Lost()), w.lines)
	}
}

// Whatever is missing, nothing is made up: what is handed on whole stood in the stream, and from the second header after the last gap
// on nothing is missed.
func TestNothingIsMadeUp(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var stream []byte
		stood := map[string]bool{}
		var ends []int
		for range 30 {
			rec := record(uint8(20+r.IntN(5)), 1+r.IntN(1<<(1+r.IntN(13))))
			stood[string(rec[5:])] = true
			stream = append(stream, rec...)
			ends = append(ends, len(stream))
		}
		var w said
		whole := 0
		on := func(rec *Record) {
			if !rec.Lost {
				whole++
				if !stood[string(rec.Payload)] {
					t.Errorf("seed %d: a record of %d bytes at %d never was", seed, rec.Length, rec.Offset)
				}
			}
		}
		last := 0
		for at := 0; at < len(stream); {
			n := min(1+r.IntN(1448), len(stream)-at)
			if r.IntN(20) == 0 {
				w.s.Gap(fact.Stamp{}, int64(n), on)
				last = at + n
			} else {
				w.s.Feed(fact.Stamp{}, stream[at:at+n], on)
			}
			at += n
		}
		w.s.Close(fact.Stamp{}, on)
		least := 0
		for i, end := range ends {
			if i > 0 && ends[i-1] >= last && end > last {
				least++
			}
		}
		if whole < least-1 {
			t.Errorf("seed %d: %d records of at least %d", seed, whole, least)
		}
	}
}
