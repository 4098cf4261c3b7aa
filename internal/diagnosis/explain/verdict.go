package explain

import (
	"cmp"
	"slices"
	"strconv"

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
	r := row{at: x.At.UnixNano(), frame: x.Frame, kind: fact.None, form: note, level: warn, name: v.text}
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

// unanswered is a request whose response never came; nothing is said where it may have come and could not be read.
func unanswered(f *flow.Flow) (verdict, bool) {
	lacking, line, reset := 0, "", streamsReset(f)
	for _, x := range f.Exchanges {
		if h := x.Request.Head; h != nil && x.Response.Head == nil && !reset[x.Stream] {
			if lacking++; lacking == 1 {
				line = joined(" ", clean(h.Method), cut(clean(h.Target), 40))
			}
		}
	}
	if lacking == 0 || !serverReadable(f) {
		return verdict{}, false
	}
	if lacking > 1 {
		line = several(int64(lacking), "request")
	}
	at, end := ending(f)
	short := "a request without a response"
	if lacking > 1 {
		short = several(int64(lacking), "request") + " without a response"
	}
	return verdict{after: at, text: line + " got no response: " + end, short: short, weight: weightSome, bad: true}, true
}

// ending is where and how a connection ended.
func ending(f *flow.Flow) (at int, how string) {
	for i := range f.Facts {
		x := &f.Facts[i]
		who := "the " + x.Side.String()
		switch {
		case x.Kind == fact.TCPClosed:
			return i, who + " closes the connection"
		case x.Kind == fact.TCPReset:
			return i, who + " resets the connection"
		case x.Kind == fact.TLSAlert && x.Code != 0 && x.Size == 2:
			return i, who + " breaks off with alert " + strconv.Itoa(x.Code)
		}
	}
	return len(f.Facts) - 1, "the capture ends"
}

// streamsReset are the streams of HTTP/2 that were reset, which has a row of its own.
func streamsReset(f *flow.Flow) map[uint32]bool {
	var out map[uint32]bool
	for i := range f.Facts {
		if d, ok := f.Facts[i].Detail.(*fact.HTTP2Frame); ok && f.Facts[i].Kind == fact.HTTP2RstStream {
			if out == nil {
				out = map[uint32]bool{}
			}
			out[d.Stream] = true
		}
	}
	return out
}

// serverReadable reports whether everything that the server sent could be read.
func serverReadable(f *flow.Flow) bool {
	sealed := false
	for i := range f.Facts {
		x := &f.Facts[i]
		switch x.Kind {
		case fact.TLSUndecryptable:
			sealed = sealed || x.Side != fact.SideClient
		case fact.TLSDecryptable:
			sealed = false
		case fact.TLSApplicationData:
			if sealed && x.Side == fact.SideServer {
				return false
			}
		case fact.TLSRecordLost, fact.TCPGap, fact.TLSBadRecord:
			if x.Side == fact.SideServer {
				return false
			}
		}
	}
	return true
}
