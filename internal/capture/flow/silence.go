package flow

import "github.com/lunette-waf/lunette/internal/fact"

// Texts of silences in which nobody is known to owe anything.
const (
	idle           = "idle"            // nobody does
	closing        = "closed"          // who would wait has closed, by FIN or alert
	dark           = "unclear"         // the records are closed, and the server spoke last
	perhapsTickets = "tickets_or_data" // the same, and what it sent may be session tickets only
)

// awaits says who is expected to speak and what: SideNone and one of the texts above where nobody owes anything.
func (b *Builder) awaits() (fact.Side, string) {
	side, what := b.owed()
	switch {
	case b.leaves(fact.SideClient) || b.leaves(fact.SideServer):
		return fact.SideNone, closing
	case side == fact.SideNone && what == "":
		return fact.SideNone, idle
	}
	return side, what
}

// leaves reports whether a side waits for nothing any more.
func (b *Builder) leaves(s fact.Side) bool {
	return b.flow.Closed[s] != fact.None || b.turn.said[s]
}

func (b *Builder) owed() (fact.Side, string) {
	t := &b.turn
	if t.side != fact.SideNone {
		return t.side, t.what
	}
	if t.over {
		return fact.SideNone, ""
	}
	if b.http != nil && b.http.Proto() != "" {
		if side, what := b.http.Awaited(); side != fact.SideNone {
			return side, what
		}
		return fact.SideNone, ""
	}
	// What is closed to us is taken for question and answer.
	switch {
	case b.tls == nil || !t.established && t.spoke == fact.SideNone:
		return fact.SideNone, ""
	case t.closed && t.tls13:
		return t.unseen.awaits(t.spoke)
	case t.spoke == fact.SideClient:
		return fact.SideServer, "application_data"
	case t.closed:
		return fact.SideNone, dark
	}
	return fact.SideNone, ""
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
