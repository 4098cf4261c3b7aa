package evidence

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// TestLostIsNoSilence: bytes that came and were not kept are heard until the last of them.
func TestLostIsNoSilence(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	r := &recording.Recording{ID: 1, Client: netip.MustParseAddrPort("192.0.2.10:50001"), Server: netip.MustParseAddrPort("192.0.2.20:80"), Start: start, End: at(25),
		Pieces: []recording.Piece{
			{At: start, Side: fact.SideClient, Data: []byte("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")},
			{At: start, Side: fact.SideServer, Data: []byte("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")},
			{At: start, Side: fact.SideServer, Lost: 500_000, Until: at(20)},
			{At: at(25), Side: fact.SideClient, End: fact.TCPClosed},
		}}
	f := Replay(r, flow.Config{}, secrets.New())
	var silences []time.Duration
	for i := range f.Facts {
		if f.Facts[i].Kind == fact.Silence {
			silences = append(silences, time.Duration(f.Facts[i].Size))
		}
	}
	if len(silences) != 1 || silences[0] != 5*time.Second {
		t.Errorf("silences %v, want 5s alone", silences)
	}
}
