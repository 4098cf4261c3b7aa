package flow

import "github.com/lunette-waf/lunette/internal/fact"

// idle is the text of a silence in which nobody owes anything.
const idle = "idle"

// awaits says who is expected to speak and what, SideNone and "idle" where nobody owes anything.
func (b *Builder) awaits() (fact.Side, string) {
	side, what := b.owed()
	if side == fact.SideNone || b.flow.Closed[side] != fact.None {
		return fact.SideNone, idle
	}
	return side, what
}

func (b *Builder) owed() (fact.Side, string) {
	t := &b.turn
	if t.side != fact.SideNone {
		return t.side, t.what
	}
	if t.over {
		return fact.SideNone, idle
	}
	if b.http != nil && b.http.Proto() != "" {
		return b.http.Awaited()
	}
	// What is closed to us is taken for question and answer.
	if b.tls != nil && t.spoke == fact.SideClient {
		return fact.SideServer, "application_data"
	}
	return fact.SideNone, idle
}

// pause takes a silence that tcpstream saw. Whose turn it was is known once everything from before it was delivered: bytes may
// still wait for others that the capture lacks.
func (b *Builder) pause(f *fact.Fact) { b.pauses = append(b.pauses, *f) }

// endPauses completes the silences that were over at a time, in nanoseconds since the Unix epoch.
func (b *Builder) endPauses(at int64) {
	n := 0
	for ; n < len(b.pauses) && b.pauses[n].At.UnixNano()+b.pauses[n].Size <= at; n++ {
		f := &b.pauses[n]
		f.Side, f.Text = b.awaits()
		b.facts.add(f)
	}
	b.pauses = b.pauses[n:]
}

// catchUp finds the pauses among what tcpstream held back until it knew enough to open the connection.
func (b *Builder) catchUp(at fact.Stamp) {
	if at.Frame > b.opened || at.At < b.spoke.At {
		return
	}
	if last := b.spoke; last.Frame != 0 && at.At-last.At >= b.stages.cfg.Silence {
		b.pause(&fact.Fact{Kind: fact.Silence, At: last.Time(), Frame: last.Frame, Size: at.At - last.At})
	}
	b.spoke = at
}

// waitingAtEnd adds the silence that the end of the capture breaks off, when somebody owes something.
func (b *Builder) waitingAtEnd(end fact.Stamp) {
	last := b.conn.Spoke
	if length := end.At - last.At; length >= b.stages.cfg.Silence && !b.ended() {
		if side, what := b.awaits(); side != fact.SideNone {
			b.facts.add(&fact.Fact{Kind: fact.Silence, At: last.Time(), Frame: last.Frame, Side: side, Size: length, Text: what})
		}
	}
}

// ended reports whether the connection is over: reset, or closed by both.
func (b *Builder) ended() bool {
	c := &b.flow.Closed
	return c[fact.SideClient] == fact.TCPReset || c[fact.SideServer] == fact.TCPReset ||
		c[fact.SideClient] == fact.TCPClosed && c[fact.SideServer] == fact.TCPClosed
}
