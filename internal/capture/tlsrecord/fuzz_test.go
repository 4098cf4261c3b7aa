package tlsrecord

import (
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// FuzzStream: however the input is cut, the same records come, and all that is kept is bounded. gap bytes are missing behind byte hole
// (0: none), once more behind twice as many.
func FuzzStream(f *testing.F) {
	three := slices.Concat(record(22, 40), record(20, 1), record(23, 90), record(23, 30))
	f.Add(three, uint16(0), uint16(0), false, byte(1))
	f.Add(three, uint16(60), uint16(5), false, byte(3))
	f.Add(three, uint16(48), uint16(120), false, byte(7))
	f.Add(three[10:], uint16(0), uint16(0), true, byte(2))
	f.Add([]byte("\x80\x0e\x01\x03\x01\x00\x03\x00\x00\x00\x02\x00\x00\x05xy\x16\x03\x01\x00\x00"), uint16(0), uint16(0), false, byte(1))
	f.Add([]byte("HTTP/1.1 200 OK\r\n"), uint16(0), uint16(0), false, byte(4))
	f.Add(slices.Repeat([]byte{0x17, 3, 3, 0x40}, 12000), uint16(0), uint16(0), true, byte(200))
	f.Fuzz(func(t *testing.T, p []byte, hole, gap uint16, midstream bool, cut byte) {
		if len(p) > 1<<17 {
			return
		}
		run := func(n int) *said {
			w := &said{}
			if midstream {
				w.s.Midstream()
			}
			at := min(int(hole), len(p))
			w.feed(p[:at], n)
			if hole > 0 {
				w.gap(int64(gap))
				again := min(2*at, len(p))
				w.feed(p[at:again], n)
				w.gap(int64(gap))
				at = again
			}
			w.feed(p[at:], n)
			if kept := cap(w.s.body); kept > largeLen || w.s.find != nil && len(w.s.find.buf) > maxSearch {
				t.Errorf("%d bytes are kept", kept)
			}
			w.s.Settle(w.on)
			w.s.Close(fact.Stamp{Frame: 1 + w.s.off/100}, w.on)
			return w
		}
		whole, cutUp := run(1<<20), run(1+int(cut))
		if !slices.Equal(whole.lines, cutUp.lines) || string(whole.payload) != string(cutUp.payload) {
			t.Errorf("in pieces of %d\n%q\n%q", 1+int(cut), cutUp.lines, whole.lines)
		}
		if string(whole.s.Lost()) != string(cutUp.s.Lost()) {
			t.Errorf("lost %q and %q", whole.s.Lost(), cutUp.s.Lost())
		}
	})
}
