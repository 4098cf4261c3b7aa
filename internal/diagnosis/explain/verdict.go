package explain

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// verdict is what several facts of a flow mean together.
type verdict struct {
	after  int    // index of the fact that its row stands behind
	text   string // as a row, clean
	short  string // among what stands out, clean
	weight int
	bad    bool // its row stands out more than the weight says
	waits  bool // it stands for all silences and what was sent again
}

// row is how a ladder tells it, behind x. One that stands for silences is drawn as a gap.
func (v *verdict) row(x *fact.Fact) row {
	r := row{at: x.At.UnixNano(), frame: x.Frame, kind: fact.None, form: note, level: warn, name: v.text, fact: -1}
	if v.weight >= weightHigh || v.bad {
		r.level = bad
	}
	switch {
	case v.waits:
		r.form = gap
	case x.Kind == fact.Silence:
		r.at, r.frame = r.at+x.Size, 0 // behind it there is no packet
	}
	return r
}

// verdicts of a flow, in order of their places; most have none.
func verdicts(f *flow.Flow) []verdict {
	if len(f.Facts) == 0 {
		return nil
	}
	if v, ok := neverConnected(f); ok {
		return []verdict{v}
	}
	var out []verdict
	if v, ok := brokenOff(f); ok {
		out = append(out, v)
	}
	if v, ok := unanswered(f); ok {
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b verdict) int { return cmp.Compare(a.after, b.after) })
	return out
}

// neverConnected is a connection that was refused, or whose SYNs nobody answered.
func neverConnected(f *flow.Flow) (verdict, bool) {
	syns, waited := 0, false
	for i := range f.Facts {
		x := &f.Facts[i]
		switch {
		case x.Side != fact.SideServer && (x.Kind == fact.TCPSyn || x.Kind == fact.TCPRetransmission && x.Text == "syn"):
			syns += max(x.Code, 1)
		case x.Kind == fact.Silence:
			waited = true
		case x.Kind == fact.ICMPUnreachable:
			return verdict{}, false // it says why
		case x.Kind == fact.TCPReset && x.Side == fact.SideServer && syns > 0:
			return verdict{after: i, text: "connection refused: nothing listens on " + f.Server.String(), short: "connection refused by " + f.Server.String(), weight: weightHigh}, true
		default:
			return verdict{}, false
		}
	}
	last := len(f.Facts) - 1
	switch {
	case syns == 0 || f.Midstream:
		return verdict{}, false
	case syns == 1 && !waited:
		return verdict{after: last, text: "no answer to the SYN before the capture ends", short: "a SYN without an answer", weight: weightSome}, true
	}
	text := "never connected: " + several(int64(syns), "SYN") + " in " + span(f.End.At-f.Start.At) + ", no answer"
	return verdict{after: last, text: text + " (a firewall that drops them, no route, or the host is down)", short: text, weight: weightHigh, waits: true}, true
}

// brokenOff is a handshake that a side left without an alert, or a connection that was of no use after it.
func brokenOff(f *flow.Flow) (verdict, bool) {
	hello, served, done, asked := false, false, false, false
	first := fact.SideNone // who said first that it closes
	for i := range f.Facts {
		x := &f.Facts[i]
		switch k := x.Kind; {
		case k == fact.TLSClientHello:
			hello = true
		case k == fact.TLSServerHello || k == fact.TLSHelloRetryRequest:
			served = true
		case k == fact.TLSHandshakeDone:
			done = true
		case k == fact.TLSApplicationData || k == fact.RequestHead || k == fact.TLSRecordLost || k == fact.TCPGap || k == fact.HTTP2Preface:
			asked = true
		case k == fact.TLSNotTLS || k == fact.TLSEncryptedAlert && !done || k == fact.TLSAlert && x.Code != 0:
			return verdict{}, false // that says more
		case k == fact.TLSAlert && first == fact.SideNone:
			first = x.Side
		case k == fact.TCPReset:
			return verdict{}, false // stands out anyway
		case k == fact.TCPClosed:
			if first == fact.SideNone {
				first = x.Side
			}
			who := "the " + first.String()
			switch {
			case f.TLS == nil || !hello || asked:
				return verdict{}, false
			case done && openSoFar(f):
				return verdict{after: i, text: who + " closes after the handshake: there was no request", short: who + " closed without a request", weight: weightSome}, true
			case done || f.TLS.Established:
				return verdict{}, false
			case served:
				return verdict{after: i, text: who + " closes within the handshake, without an alert", short: who + " closed within the handshake", weight: weightHigh}, true
			}
			return verdict{after: i, text: who + " closes after the ClientHello, without an alert", short: who + " closed after the ClientHello", weight: weightHigh}, true
		}
	}
	return verdict{}, false
}

// openSoFar reports whether requests would have been seen: in TLS 1.3 only keys tell data from alerts and tickets.
func openSoFar(f *flow.Flow) bool {
	return f.TLS.Version != 0x0304 || f.TLS.Why == decrypt.WhyNot
}
