package evidence

import (
	"math"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// player hands a recording to the stages as package tcpstream hands on a captured connection.
type player struct {
	r       *recording.Recording
	conn    tcpstream.Conn
	b       *flow.Builder
	silence int64
	now     fact.Stamp // frames count what was handed on, and are taken out at the end
	ended   [3]fact.Kind
	endAt   [3]fact.Stamp
	heard   int64       // until when bytes came that were not kept, nanoseconds since the Unix epoch
	facts   []fact.Fact // of the recording, not yet handed on
}

// Replay reads a recording as if it had been captured: the facts of the recording stand among those that its bytes show, opened with
// what src holds. What only packets show (SYNs, windows, what was sent again) is not among them, and frames are 0.
func Replay(r *recording.Recording, cfg flow.Config, src *secrets.Store) (out *flow.Flow) {
	stages := flow.NewStages(cfg, src, func(f *flow.Flow) { out = f })
	p := player{r: r, silence: stages.Silence(), facts: r.Facts}
	p.conn = tcpstream.Conn{ID: r.ID, Client: r.Client, Server: r.Server}
	p.b = stages.Open(&p.conn)
	p.tick(r.Start.UnixNano())
	p.conn.Start, p.conn.Spoke = p.now, p.now
	if at, ok := r.Connected(); ok {
		p.until(at)
		p.tick(at)
		p.conn.Spoke = p.now
		p.tell(fact.Fact{Kind: fact.TCPConnected, Side: fact.SideClient, Text: r.Server.String(), Size: r.Connect.Nanoseconds()})
		for i := range r.Pieces {
			p.play(&r.Pieces[i])
		}
	}
	end := r.At(r.End)
	p.until(math.MaxInt64)
	p.hear(end)
	if end > p.now.At {
		p.tick(end)
	}
	stages.End(p.now)
	p.close()
	unframe(out)
	return out
}

// unframe takes the numbers out that stood for packets.
func unframe(f *flow.Flow) {
	f.Start.Frame, f.End.Frame = 0, 0
	for i := range f.Facts {
		f.Facts[i].Frame = 0
	}
	for _, x := range f.Exchanges {
		for i := range x.Interim {
			unframeMessage(&x.Interim[i])
		}
		unframeMessage(&x.Request)
		unframeMessage(&x.Response)
	}
}

func unframeMessage(m *httptimeline.Message) { m.First.Frame, m.HeadEnd.Frame, m.Last.Frame = 0, 0, 0 }

// tick goes on to the next moment. Time does not run backwards.
func (p *player) tick(at int64) {
	p.now = fact.Stamp{At: max(at, p.now.At), Frame: p.now.Frame + 1}
	p.conn.End = p.now
}

func (p *player) tell(f fact.Fact) {
	f.Conn, f.At, f.Frame = p.r.ID, p.now.Time(), p.now.Frame
	p.b.Fact(f)
}

// until hands on the facts of the recording up to a time.
func (p *player) until(at int64) {
	for len(p.facts) > 0 && p.r.At(p.facts[0].At) <= at {
		p.now.At = max(p.now.At, p.r.At(p.facts[0].At))
		p.tell(p.facts[0])
		p.facts = p.facts[1:]
	}
}

func (p *player) play(x *recording.Piece) {
	s := x.Side
	if s != fact.SideClient && s != fact.SideServer || p.ended[s] != fact.None {
		return
	}
	at := p.r.At(x.At)
	p.until(at)
	p.hear(at)
	last := p.conn.Spoke
	p.tick(at)
	if pause := p.now.At - last.At; pause >= p.silence && x.Lost == 0 {
		p.b.Fact(fact.Fact{Kind: fact.Silence, Conn: p.r.ID, At: last.Time(), Frame: last.Frame, Size: pause})
	}
	p.conn.Spoke = p.now
	switch {
	case x.Lost > 0:
		p.conn.Bytes[s] += x.Lost
		p.heard = max(p.heard, p.r.At(x.Until))
		p.b.Miss(s, p.now, x.Lost, x.Records, x.Tail)
	case x.End != fact.None:
		p.ended[s], p.endAt[s] = x.End, p.now
		p.tell(fact.Fact{Kind: x.End, Side: s})
		if x.End == fact.TCPClosed {
			p.b.End(s, p.now, x.End)
		}
	default:
		p.conn.Packets[s]++
		p.conn.Bytes[s] += int64(len(x.Data))
		p.b.Data(s, p.now, x.Data)
	}
}

// hear moves the last word, before what comes at a time, to where the last of the bytes came that were not kept: they are no silence.
func (p *player) hear(at int64) {
	p.conn.Spoke.At = max(p.conn.Spoke.At, min(p.heard, at))
}

// close ends what is not over, in the order of package tcpstream.
func (p *player) close() {
	sides := [...]fact.Side{fact.SideClient, fact.SideServer}
	for _, s := range sides {
		if p.ended[s] == fact.TCPReset {
			p.b.End(s, p.endAt[s], fact.TCPReset)
		}
	}
	for _, s := range sides {
		if p.ended[s] == fact.None {
			p.b.End(s, p.now, fact.None)
		}
	}
	p.b.Done()
}
