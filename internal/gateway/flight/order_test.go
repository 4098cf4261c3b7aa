package flight

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// TestWhoLeftFirst: what we say once the other side has ended stands behind that end, however soon it was said.
func TestWhoLeftFirst(t *testing.T) {
	r, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tape := r.For(Settings{Site: "s", Mode: Packets, Bytes: 8 << 10}).Open(exchange.Taped{ConnID: 1, Start: time.Now(), TLS: true}).(Taper)
	now := time.Now().UnixNano()
	tape.Wire(fact.SideClient, now, []byte{23, 3, 3, 0, 1, 'q'})
	tape.Note(fact.Fact{Kind: fact.TCPClosed, Side: fact.SideServer, At: time.Unix(0, now+1)})
	tape.Wire(fact.SideClient, now+2, []byte{21, 3, 3, 0, 1, 'n'})
	tape.Close()
	var order []string
	for _, p := range tape.Recording().Pieces {
		order = append(order, p.Side.String()+" "+name(p))
	}
	want := []string{"client q", "server end", "client n", "client end"}
	if len(order) != len(want) {
		t.Fatalf("%q, want %q", order, want)
	}
	for i := range want {
		if order[i] != want[i] {
			t.Fatalf("%q, want %q", order, want)
		}
	}
}

func name(p recording.Piece) string {
	if p.End != fact.None {
		return "end"
	}
	return string(p.Data[len(p.Data)-1:])
}
