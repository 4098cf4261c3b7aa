package origin

import (
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// turns is a recorder that remembers whose turn it was.
type turns struct {
	mu  sync.Mutex
	all []exchange.Turn
}

func (r *turns) Open(exchange.Taped) exchange.Tape { return r }
func (r *turns) Wire(fact.Side, int64, []byte)     {}
func (r *turns) Secret([]byte)                     {}
func (r *turns) Note(fact.Fact)                    {}
func (r *turns) Close()                            {}
func (r *turns) Turn(_ *exchange.Exchange, t exchange.Turn) {
	r.mu.Lock()
	r.all = append(r.all, t)
	r.mu.Unlock()
}

// TestHTTP2TakenFrameByFrame: an origin that takes a piece in small windows is not silent while it does.
func TestHTTP2TakenFrameByFrame(t *testing.T) {
	r := &turns{}
	o := h2Origin(t, Config{}, func(p *h2Peer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		for {
			f, err := p.ReadFrame()
			if err != nil {
				return
			}
			d, ok := f.(*http2.DataFrame)
			switch {
			case !ok:
			case d.StreamEnded():
				p.head(d.StreamID, true, ":status", "200")
			case len(d.Data()) > 0:
				_ = p.WriteWindowUpdate(0, uint32(len(d.Data())))
				_ = p.WriteWindowUpdate(d.StreamID, uint32(len(d.Data())))
			}
		}
	})
	o.deps.Flight = r
	x := newExchange("POST", "/", strings.Repeat("x", 128<<10))
	if status, _, err := fetch(t, o, x); status != 200 || err != nil {
		t.Fatal(status, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	taking := 0
	for _, turn := range r.all {
		if turn == exchange.TurnTaking {
			taking++
		}
	}
	if taking < 50 {
		t.Errorf("more than 60 frames were taken, and the recorder heard %d times of it", taking)
	}
}
