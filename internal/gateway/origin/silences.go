package origin

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// pause is from when on a silence is a fact, as in captures.
const pause = time.Second

const restOfBody = "rest of the response body"

// silences adds the pauses in which somebody owed something after the handshake. Those within it show in its bytes.
func (s *story) silences() {
	var t silenceTurn
	n := len(s.out)
	for i := range n {
		f := s.out[i]
		if from := t.from(&f); t.what != "" && f.At.Sub(from) >= pause && breaks(f.Kind) {
			s.add(from, fact.Fact{Kind: fact.Silence, Side: t.side, Size: f.At.Sub(from).Nanoseconds(), Text: t.what})
			t.since = f.At
		}
		t.see(&f)
	}
}

// silenceTurn is who owes what, and since when.
type silenceTurn struct {
	side  fact.Side
	what  string
	since time.Time
}

// from is when the silence began that f ends. When the last piece of a body came nobody noted; a timer that ran out says how long ago.
func (t *silenceTurn) from(f *fact.Fact) time.Time {
	switch {
	case f.Kind == fact.GaveUp && f.At.Add(-time.Duration(f.Size)).After(t.since):
		return f.At.Add(-time.Duration(f.Size))
	case t.what == restOfBody && f.Kind != fact.GaveUp:
		return f.At
	}
	return t.since
}

func (t *silenceTurn) owes(side fact.Side, what string, since time.Time) {
	t.side, t.what, t.since = side, what, since
}

// see takes note of f. The words are those of capture/flow and capture/httptimeline.
func (t *silenceTurn) see(f *fact.Fact) {
	switch f.Kind {
	case fact.RequestSent:
		t.owes(fact.SideServer, "response", f.At)
	case fact.RequestHead: // the body is on its way
		t.owes(fact.SideServer, "", f.At)
	case fact.TLSHelloRequest:
		t.owes(fact.SideClient, "client_hello", f.At)
	case fact.TLSHelloRequestAnswer:
		if t.owes(fact.SideServer, "", f.At); f.Text == "complied" {
			t.what = "server_hello"
		}
	case fact.TLSRenegotiated:
		t.owes(fact.SideServer, "response", f.At)
	case fact.FirstByte: // for what follows see noteHead
		t.owes(fact.SideServer, "", f.At)
	case fact.ResponseHead:
		t.owes(fact.SideServer, restOfBody, f.At)
	case fact.ResponseDone, fact.TCPReset, fact.TCPClosed, fact.TLSAlert, fact.GaveUp:
		t.owes(fact.SideNone, "", f.At)
	}
}

// breaks reports whether a fact of this kind breaks a silence.
func breaks(k fact.Kind) bool {
	switch k {
	case fact.TLSVerified, fact.ContinueWaited, fact.ClientLeft, fact.PoolWaited, fact.ConnReused:
		return false
	}
	return true
}
