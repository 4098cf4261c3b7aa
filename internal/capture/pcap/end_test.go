package pcap

import (
	"bytes"
	"io"
	"testing"
)

// TestEnd holds that the end of a capture is believed only where all packets that came until then stand in the file.
func TestEnd(t *testing.T) {
	const end = 9_000_000_000
	for _, row := range []struct {
		name       string
		packets    int
		out        int // number of one that is taken out; 0: none
		interfaces int
		after      bool // a packet behind the statistics
		want       int64
	}{
		{"whole", 3, 0, 1, false, end},
		{"one taken out", 3, 2, 1, false, 0},
		{"the last taken out", 3, 3, 1, false, 0},
		{"it went on", 3, 0, 1, true, 0},
		{"two interfaces", 3, 0, 2, false, 0},
		{"no packets", 0, 0, 1, false, end},
	} {
		var file, left bytes.Buffer
		w, err := NewWriter(&file, "test")
		if err != nil {
			t.Fatal(err)
		}
		for range row.interfaces {
			if _, err := w.Interface(Interface{Link: LinkEthernet}); err != nil {
				t.Fatal(err)
			}
		}
		packet := func(i int) {
			before := file.Len()
			if err := w.Packet(&Packet{At: int64(i) * 1e9, Data: make([]byte, 60), Length: 60}); err != nil {
				t.Fatal(err)
			}
			if i == row.out {
				file.Truncate(before)
			}
		}
		for i := range row.packets {
			packet(i + 1)
		}
		if err := w.Statistics(0, end, 100, 0); err != nil {
			t.Fatal(err)
		}
		if row.after {
			packet(10)
		}
		left.Write(file.Bytes())
		r, err := NewReader(&left, Config{})
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		for err == nil {
			err = r.Next(&p)
		}
		if got := r.Info().End; err != io.EOF || got != row.want {
			t.Errorf("%s: ends at %d (%v), want %d", row.name, got, err, row.want)
		}
	}
}
