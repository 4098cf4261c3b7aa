package session

import (
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// patience is how long a message must lie without any answer before that is more than a slow peer.
const patience = time.Second

// longPatience is the same where the watching goes on: who answers a HelloRequest does so within a round trip.
const longPatience = 3 * time.Second

// asked is one HelloRequest and what the client made of it.
type asked struct {
	at     int    // index of the HelloRequest
	until  int    // of the next one; the number of facts without
	answer string // complied, refused, ignored; "" where an answer would not have shown
	by     int    // index of what shows the answer, -1 without
}

// requests are the HelloRequests of f.
func requests(f *check.Flow) []asked {
	var out []asked
	for i := f.First(fact.TLSHelloRequest); i >= 0; i = f.Next(i, fact.TLSHelloRequest) {
		if n := len(out); n > 0 {
			out[n-1].until = i
		}
		out = append(out, asked{at: i, until: len(f.Facts), by: -1})
	}
	for i := range out {
		out[i].judge(f)
	}
	return slices.DeleteFunc(out, func(a asked) bool { return !afterHandshake(f, a.at) || guessed(f, a.at) })
}

// guessed reports whether what looks like a HelloRequest is a longer message, sealed, of a connection whose beginning is lacking.
func guessed(f *check.Flow, i int) bool {
	const longest = 80 // bytes of the record, under any suite without padding at random
	return f.Facts[i].Size > longest && f.Has(fact.TCPMidstream)
}

// afterHandshake reports whether the handshake was over at index i, or is older than what was watched: within it a HelloRequest means
// nothing, and one that is known by its length may be another message where packets are lacking.
func afterHandshake(f *check.Flow, i int) bool {
	begins := f.First(fact.TLSClientHello, fact.TLSServerHello)
	done := f.First(fact.TLSHandshakeDone)
	return begins < 0 || begins > i || done >= 0 && done < i
}

// judge finds the answer. What the capture lane or the gateway says of it counts; else what the client sent next.
func (a *asked) judge(f *check.Flow) {
	told := f.Next(a.at, fact.TLSHelloRequestAnswer)
	if told >= a.until {
		told = -1
	}
	sent := f.NextOf(fact.SideClient, a.at, fact.TLSClientHello, fact.TLSEncryptedMessage)
	refused := f.Find(a.at, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSAlert && x.Side == fact.SideClient && x.Code == alertNoRenegotiation
	})
	switch {
	case told >= 0:
		a.answer, a.by = f.Facts[told].Text, told
		if before := f.Find(a.at, func(x *fact.Fact) bool { return answers(x) && x.At.Equal(f.Facts[told].At) }); before >= 0 && a.answer != ignored {
			a.by = before // the message itself
		}
	case refused >= 0 && refused < a.until:
		a.answer, a.by = refusal, refused
	case sent >= 0 && sent < a.until:
		a.answer, a.by = complied, sent
	case f.Watched&check.Records != 0:
		a.answer = ignored
	}
	if (a.answer == refusal || a.answer == ignored) && a.doubted(f) {
		a.answer, a.by = "", -1
	}
}

// doubted reports whether an answer may have come that the capture lacks: the origin goes on with a handshake, or bytes of the client
// are lacking. An alert that says no_renegotiation leaves no doubt.
func (a *asked) doubted(f *check.Flow) bool {
	if a.by >= 0 && f.Facts[a.by].Kind == fact.TLSAlert && f.Facts[a.by].Code == alertNoRenegotiation {
		return false
	}
	goesOn := f.NextOf(fact.SideServer, a.at, fact.TLSServerHello, fact.TLSEncryptedMessage, fact.TLSChangeCipherSpec, fact.TLSCertificate)
	if goesOn >= 0 && goesOn < a.until {
		return true
	}
	until := -1
	if a.answer == refusal {
		until = a.by
	}
	return lostBetween(f, fact.SideClient, a.at, until)
}

// What a client may do about a HelloRequest, in the words of fact.TLSHelloRequestAnswer.
const (
	complied = "complied"
	refusal  = "refused"
	ignored  = "ignored"
)

// answers reports whether x is a message by which a client answers a HelloRequest.
func answers(x *fact.Fact) bool {
	if x.Side != fact.SideClient {
		return false
	}
	switch x.Kind {
	case fact.TLSClientHello, fact.TLSEncryptedMessage, fact.TLSAlert, fact.TLSEncryptedAlert:
		return true
	}
	return false
}

// spoke is the first sign of an answer in HTTP after index i: content of the server, -1 without.
func spoke(f *check.Flow, i int) int {
	return f.NextOf(fact.SideServer, i, fact.TLSApplicationData, fact.ResponseInterim, fact.ResponseHead)
}

// over is when a wait that begins at index i was over, and by what: the server's content, or the end. end.At is -1 and content -1 where
// the watching ended first.
func over(f *check.Flow, i int) (when time.Time, content int, end check.End) {
	content, end = spoke(f, i), f.EndAfter(i)
	if content >= 0 && (end.At < 0 || content < end.At) {
		return f.Facts[content].At, content, end
	}
	return end.Time, -1, end
}

// endWords say how a connection ended, to go on after "until".
func endWords(end check.End) string {
	switch end.How {
	case fact.TCPReset:
		return "the " + end.Side.String() + " reset the connection"
	case fact.TCPClosed:
		return "the " + end.Side.String() + " closed the connection"
	case fact.TLSAlert:
		return "the " + end.Side.String() + " sent an alert and left"
	case fact.GaveUp:
		return end.GaveUpWords()
	}
	return "the watching ended"
}

// lostBetween reports whether bytes or records of side s (SideNone: of any) are lacking in f from index i on to index j (-1: the end): a
// message may have been among them.
func lostBetween(f *check.Flow, s fact.Side, i, j int) bool {
	at := f.Find(i, func(x *fact.Fact) bool {
		return (s == fact.SideNone || x.Side == s) && (x.Kind == fact.TCPGap || x.Kind == fact.TLSRecordLost)
	})
	return at >= 0 && (j < 0 || at < j)
}

// lostUntil is lostBetween up to a moment: what is lacking shows only when the next packet comes.
func lostUntil(f *check.Flow, s fact.Side, i int, until time.Time) bool {
	return f.Find(i, func(x *fact.Fact) bool {
		return x.Side == s && (x.Kind == fact.TCPGap || x.Kind == fact.TLSRecordLost) && !x.At.After(until)
	}) >= 0
}

// line is the request that was open at index i, in short.
func line(f *check.Flow, i int) string {
	out := "the request"
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if x.RequestAt >= 0 && x.RequestAt < i && (x.ResponseAt < 0 || x.ResponseAt > i) {
			out = x.Line()
		}
	}
	return out
}
