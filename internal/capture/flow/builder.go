package flow

import (
	"math"

	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/fact"
)

// mode is what a connection was found to carry.
type mode uint8

const (
	undecided mode = iota
	inTLS
	inClear
	inUnknown
)

// Builder builds the Flow of one connection; it is the handler that tcpstream tells what happens on it.
type Builder struct {
	stages *Stages
	conn   *tcpstream.Conn
	flow   *Flow
	facts  collector
	turn   turn
	mode   mode
	front  *front // while undecided
	tls    *tlsLayer
	http   *httptimeline.Timeline
	ends   [3]bool  // what http was told
	lacks  [3]int64 // application data that was missing before http began
	denied bool     // a CONNECT was refused: the client may ask again
	opened int64    // frame in which tcpstream knew enough to open the connection; pauses up to there are for the Builder to find
	spoke  fact.Stamp
	latest fact.Stamp  // of the bytes that were delivered
	pauses []fact.Fact // silences whose turn is not known yet
}

// Data implements tcpstream.Handler. Bytes that waited for others count as of when those came: nobody could read them before, and
// what they say stays behind what was said before.
func (b *Builder) Data(side fact.Side, at fact.Stamp, p []byte) {
	if at.Frame <= b.opened {
		b.catchUp(at)
	}
	b.endPauses(at.At)
	at = b.notBefore(at)
	b.latest = at
	b.turn.begun(side)
	switch b.mode {
	case inTLS:
		b.tls.data(b, side, at, p)
	case inClear:
		if b.denied && side == fact.SideClient {
			if b.denied = false; startsLike(p, "CONNECT ") {
				b.mode, b.front = undecided, &front{proxied: true}
				b.waits(side, at, p)
				return
			}
		}
		b.plain(side, at, p)
	case undecided:
		b.waits(side, at, p)
	}
}

// notBefore is at, or the place of the last bytes delivered if that is later.
func (b *Builder) notBefore(at fact.Stamp) fact.Stamp {
	if at.At < b.latest.At || at.At == b.latest.At && at.Frame < b.latest.Frame {
		return b.latest
	}
	return at
}

// Gap implements tcpstream.Handler.
func (b *Builder) Gap(side fact.Side, at fact.Stamp, n int64) {
	at = b.notBefore(at)
	switch b.mode {
	case inTLS:
		b.tls.gap(b, side, at, n)
	case inClear:
		b.http.Missing(side, at, n)
	case undecided:
		f := b.hold()
		f.holes = true
		f.add(side, at, nil, n)
		if len(f.side[side].buf) > 0 {
			b.decide(true)
		}
	}
}

// Miss is Gap where it is known that the n bytes are whole TLS records, how many, and the last bytes of the last one.
func (b *Builder) Miss(side fact.Side, at fact.Stamp, n, records int64, tail []byte) {
	if b.mode != inTLS || records <= 0 {
		b.Gap(side, at, n)
		return
	}
	b.tls.miss(b, side, b.notBefore(at), n, records, tail)
}

// End implements tcpstream.Handler.
func (b *Builder) End(side fact.Side, at fact.Stamp, how fact.Kind) {
	b.catchUp(at)
	b.endPauses(at.At)
	if b.mode == undecided && b.front != nil && how == fact.TCPReset {
		b.decide(true)
	}
	if b.flow.Closed[side] = how; how == fact.None {
		return // Done sees to it: until then somebody may owe something
	}
	if b.mode == inTLS {
		b.tls.end(b, side, at, how)
	}
	b.endHTTP(side, at, how)
}

// Fact implements tcpstream.Handler.
func (b *Builder) Fact(f fact.Fact) {
	switch f.Kind {
	case fact.Silence:
		b.pause(&f)
		return
	case fact.TCPSyn, fact.TCPSynAck:
		b.endPauses(f.At.UnixNano())
	case fact.TCPConnected:
		b.endPauses(f.At.UnixNano())
		b.flow.RTT = f.Size
	}
	b.tell(&f)
}

// tell keeps a fact of any layer below HTTP.
func (b *Builder) tell(f *fact.Fact) {
	b.turn.see(f)
	b.facts.add(f)
}

// Done implements tcpstream.Handler: the flow is over and handed on.
func (b *Builder) Done() {
	if b.mode == undecided && b.front != nil {
		b.decide(true)
	}
	if b.front != nil { // nothing but a PROXY protocol header or a tunnel
		b.stages.cfg.Budget.Give(b.front.taken)
	}
	b.endPauses(math.MaxInt64)
	end := b.stages.end
	if end.At < b.conn.End.At || b.ended() {
		end = b.conn.End
	}
	b.waitingAtEnd(end)
	if b.mode == inTLS {
		b.tls.close(b, end)
	}
	b.endHTTP(fact.SideClient, b.conn.End, fact.None)
	b.endHTTP(fact.SideServer, b.conn.End, fact.None)
	b.stages.done(b.finish())
}

// finish fills in what is known at the end only.
func (b *Builder) finish() *Flow {
	f, c := b.flow, b.conn
	f.Client, f.Server, f.Start, f.End, f.Midstream = c.Client, c.Server, c.Start, c.End, c.Midstream
	f.Packets, f.Bytes = c.Packets, c.Bytes
	f.Facts, f.Omitted = b.facts.sorted(), b.facts.omitted
	f.Decisive = decisive(f.Facts)
	if b.http != nil {
		f.HTTP = b.http.Proto()
	}
	b.finishTLS()
	b.sortExchanges()
	return f
}
