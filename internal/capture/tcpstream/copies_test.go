package tcpstream

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/budget"
)

// Bytes that were sent again count again; those of packets that the capture holds twice do not.
func TestBytesOfCopies(t *testing.T) {
	tests := map[string]struct {
		later int64 // nanoseconds from the first to the second
		want  int64
	}{
		"captured twice": {10_000, 100},
		"sent again":     {300_000_000, 200},
	}
	for name, tt := range tests {
		b := newScript()
		b.shake()
		first := *b.c(ack, 1, 1, string(make([]byte, 100)))
		again := first
		again.At, again.Frame = first.At+tt.later, first.Frame+1
		b.out = append(b.out, again)
		y := play(t, Config{Budget: budget.New(1 << 20)}, b.out)
		if got := y.conns[0].sent[1]; got != tt.want {
			t.Errorf("%s: %d bytes of the client, want %d", name, got, tt.want)
		}
	}
}
