package check

import (
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Has reports whether any fact is of one of the kinds.
func (f *Flow) Has(kinds ...fact.Kind) bool {
	return slices.ContainsFunc(kinds, f.has.has)
}

// First is the index of the first fact of one of the kinds, -1 without.
func (f *Flow) First(kinds ...fact.Kind) int { return f.Next(-1, kinds...) }

// Next is the index of the first fact of one of the kinds after index i, -1 without.
func (f *Flow) Next(i int, kinds ...fact.Kind) int {
	if !f.Has(kinds...) {
		return -1
	}
	for i++; i < len(f.Facts); i++ {
		if slices.Contains(kinds, f.Facts[i].Kind) {
			return i
		}
	}
	return -1
}

// Last is the index of the last fact of one of the kinds, -1 without.
func (f *Flow) Last(kinds ...fact.Kind) int {
	if !f.Has(kinds...) {
		return -1
	}
	for i := len(f.Facts) - 1; i >= 0; i-- {
		if slices.Contains(kinds, f.Facts[i].Kind) {
			return i
		}
	}
	return -1
}

// NextOf is Next for one side.
func (f *Flow) NextOf(s fact.Side, i int, kinds ...fact.Kind) int {
	for i = f.Next(i, kinds...); i >= 0 && f.Facts[i].Side != s; {
		i = f.Next(i, kinds...)
	}
	return i
}

// FirstOf is First for one side.
func (f *Flow) FirstOf(s fact.Side, kinds ...fact.Kind) int { return f.NextOf(s, -1, kinds...) }

// Find is the index of the first fact after index i that is wanted, -1 without.
func (f *Flow) Find(i int, wanted func(*fact.Fact) bool) int {
	for i++; i < len(f.Facts); i++ {
		if wanted(&f.Facts[i]) {
			return i
		}
	}
	return -1
}

// Since is the time from the fact at index a to that at index b.
func (f *Flow) Since(a, b int) time.Duration { return f.Facts[b].At.Sub(f.Facts[a].At) }

// Hello is what the first ClientHello offered, with its index; nil and -1 without, nil and an index where only the event is known.
func (f *Flow) Hello() (*fact.ClientHello, int) {
	i := f.First(fact.TLSClientHello)
	if i < 0 {
		return nil, -1
	}
	h, _ := f.Facts[i].Detail.(*fact.ClientHello)
	return h, i
}

// ServerHello is what the first ServerHello chose, as Hello.
func (f *Flow) ServerHello() (*fact.ServerHello, int) {
	i := f.First(fact.TLSServerHello)
	if i < 0 {
		return nil, -1
	}
	h, _ := f.Facts[i].Detail.(*fact.ServerHello)
	return h, i
}

// Version is the negotiated version of TLS (0x0303), 0 while it is unknown.
func (f *Flow) Version() int {
	if i := f.First(fact.TLSServerHello, fact.TLSHandshakeDone); i >= 0 {
		return f.Facts[i].Code
	}
	return 0
}

// Chain is what the server sent as its certificates first, leaf first, with the index of the fact; nil and -1 without.
func (f *Flow) Chain() ([]fact.Certificate, int) {
	i := f.FirstOf(fact.SideServer, fact.TLSCertificate)
	if i < 0 {
		return nil, -1
	}
	if c, ok := f.Facts[i].Detail.(*fact.Certificates); ok {
		return c.Chain, i
	}
	return nil, i
}

// Established reports whether a TLS handshake was completed.
func (f *Flow) Established() bool { return f.Has(fact.TLSHandshakeDone) }

// Exchanges are the requests and answers of the connection.
func (f *Flow) Exchanges() []Exchange { return f.exchanges }

// Served reports whether the connection did what it was made for: an answer came that is no error of the server (below 500).
func (f *Flow) Served() bool {
	return slices.ContainsFunc(f.exchanges, func(x Exchange) bool { return x.Status() >= 200 && x.Status() < 500 && x.CutShort < 0 })
}

// End is how a connection ended.
type End struct {
	At   int       // index of the fact, -1 where the watching ended first
	Side fact.Side // who ended it
	How  fact.Kind // TCPReset, TCPClosed, TLSAlert (fatal or close_notify), GaveUp, TCPFailed; None where the watching ended first
	Time time.Time

	probe bool // the client's end is a probe
}

// EndAfter is the first end after index i: a reset, a close, a fatal alert, a timer of the client's that ran out.
func (f *Flow) EndAfter(i int) End {
	at := f.Find(i, func(x *fact.Fact) bool {
		switch x.Kind {
		case fact.TCPReset, fact.TCPClosed, fact.GaveUp, fact.TCPFailed:
			return true
		case fact.TLSAlert:
			return x.Code == 0 || x.Size == 2 || x.Size == 0 && x.Code != 100 && x.Code != 90
		}
		return false
	})
	if at < 0 {
		return End{At: -1, Time: f.End}
	}
	x := &f.Facts[at]
	side := x.Side
	if x.Kind == fact.GaveUp {
		side = fact.SideClient
	}
	return End{At: at, Side: side, How: x.Kind, Time: x.At, probe: f.Purpose != ""}
}

// GaveUpWords says whose timer ended a wait that ended in GaveUp.
func (e End) GaveUpWords() string {
	if e.probe {
		return "the doctor stopped waiting"
	}
	return "a timer of the proxy ran out"
}

// Ended is EndAfter the beginning.
func (f *Flow) Ended() End { return f.EndAfter(-1) }

// SilenceAfter is the longest silence that begins at or after index i and before index until (-1: the end), with its index; 0 and -1
// without. One that is nobody's turn does not count.
func (f *Flow) SilenceAfter(i, until int) (time.Duration, int) {
	longest, at := time.Duration(0), -1
	for i = f.Next(i-1, fact.Silence); i >= 0 && (until < 0 || i < until); i = f.Next(i, fact.Silence) {
		if x := &f.Facts[i]; x.Side != fact.SideNone && time.Duration(x.Size) > longest {
			longest, at = time.Duration(x.Size), i
		}
	}
	return longest, at
}

// Heard is the index of the first fact after index i that shows bytes of side s, -1 without: records, messages, HTTP; not its close.
func (f *Flow) Heard(s fact.Side, i int) int {
	return f.Find(i, func(x *fact.Fact) bool {
		if x.Side != s {
			return false
		}
		switch x.Kind {
		case fact.TCPSyn, fact.TCPSynAck, fact.TCPConnected, fact.TCPFailed, fact.TCPRetransmission, fact.TCPKeepAlive, fact.TCPZeroWindow, fact.TCPWindowOpen,
			fact.TCPReset, fact.TCPClosed, fact.Silence, fact.TLSHelloRequestAnswer, fact.TLSDecryptable, fact.TLSUndecryptable, fact.GaveUp, fact.TLSHandshakeDone, fact.TLSVerified:
			return false
		}
		return true
	})
}

// Proof is the fact at index i as a proof, with a phrase of what it shows.
func (f *Flow) Proof(i int, text string) finding.Proof {
	x := &f.Facts[i]
	return finding.Proof{Index: i, Conn: f.Conn, At: x.At, After: x.At.Sub(f.Start).Nanoseconds(), Frame: x.Frame, Text: text}
}

// ProofOf is the fact at index i of o, which may be f, as a proof about f.
func (f *Flow) ProofOf(o *Flow, i int, text string) finding.Proof {
	if o == f {
		return f.Proof(i, text)
	}
	return f.ProofOther(&o.Facts[i], text)
}

// ProofOther is a fact of another connection, or of none, as a proof about f.
func (f *Flow) ProofOther(x *fact.Fact, text string) finding.Proof {
	p := finding.Proof{Index: -1, Conn: x.Conn, At: x.At, Frame: x.Frame, Text: text}
	if !f.Start.IsZero() && !x.At.IsZero() { // f may never have begun
		p.After = x.At.Sub(f.Start).Nanoseconds()
	}
	return p
}

// Logged is the index of the first line of the origin's log about this connection that is wanted, with what it says; -1 without.
// Lines that what was watched refutes are passed over.
func (f *Flow) Logged(wanted func(*fact.OriginLog) bool) (int, *fact.OriginLog) {
	for i := f.First(fact.OriginLogged); i >= 0; i = f.Next(i, fact.OriginLogged) {
		if l, ok := f.Facts[i].Detail.(*fact.OriginLog); ok && wanted(l) {
			if why, _ := f.Refuted(i); why == "" {
				return i, l
			}
		}
	}
	return -1, nil
}
