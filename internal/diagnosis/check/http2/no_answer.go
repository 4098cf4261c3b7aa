package http2

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// A wait of less than impatient that somebody broke off is nobody's slowness, and one of less than hasty that of a user.
const (
	impatient = time.Second
	hasty     = 3 * time.Second
)

var noAnswer = check.Check{
	Code:     "http2.no_answer",
	Title:    "the origin took a request over HTTP/2 and did not begin to answer it",
	Severity: finding.Critical,
	Refines:  []reason.Code{reason.ReadFirstByteTimeout, reason.ReadOverTotalTime, reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader, reason.ClientGone},
	On:       []fact.Kind{fact.RequestHead},
	Needs:    check.Plain,
	Silences: []finding.Code{"client.gone", "http1.slow_first_byte", "tcp.reset_after_accept"},
	Text: `The request went out whole on a **stream** of its own, and on this stream nothing came back: no HEADERS, no RST_STREAM. In HTTP/2 the
connection tells nothing about it: SETTINGS and PING are answered by the server's protocol machine, and other streams may be served
meanwhile. So what waits is the software behind: for a database, a lock, another service, a worker. Either the client gives up (it
closes, or sends RST_STREAM CANCEL), or the origin ends the whole connection, and with it every stream that was open.

nginx (gRPC) prints *upstream timed out (110) while reading response header from upstream*, Envoy **UT** and 504, HAProxy **sH** and
504, curl *Operation timed out*, Go *context deadline exceeded* or *http2: timeout awaiting response headers*.

Told apart from a window that is closed (http2.flow_control_stall), in which the request's body stands still; from a stream that is
broken off with a code (http2.stream_reset); from streams that a GOAWAY leaves out (http2.goaway_race). It is the HTTP/2 face of
http1.slow_first_byte.`,
	Asks: []string{
		"How long does the same request take on the origin itself, and by HTTP/1.1: `curl --http1.1 -o /dev/null -w '%{time_starttransfer}'`",
		"Do other streams of the same connection get answers meanwhile? Then it is this request",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Look in the application's own log at this second, and at what the request waits for."},
		{On: finding.Lunette, Do: "Wait longer where the work is known to take long; timers in front must be longer still.", Lines: "origin:\n  timeouts:\n    first_byte: 3m"},
	},
	Sources: []string{"RFC 9113 sections 5.1 and 8.1", "RFC 9110 section 15.6.5 (504)"},
	Run:     runNoAnswer,
}

func runNoAnswer(c *check.Case) *check.Verdict {
	f := c.Flow
	if f.Has(fact.TCPGap, fact.TLSRecordLost, fact.TLSBadRecord, fact.HTTPBroken) {
		return nil // the answer may be among what is lacking
	}
	for i := range f.Exchanges() {
		x := &f.Exchanges()[i]
		if x.Stream == 0 || x.RequestAt < 0 || x.RequestDone < 0 || x.ResponseAt >= 0 || len(x.Interims) > 0 || told(f, x) {
			continue
		}
		if v := unanswered(f, x); v != nil {
			return v
		}
	}
	return nil
}

// told reports whether the server said that it does not serve the stream, or could not.
func told(f *check.Flow, x *check.Exchange) bool {
	return f.Find(x.RequestAt, func(y *fact.Fact) bool {
		switch y.Kind {
		case fact.HTTP2RstStream:
			return y.Side == fact.SideServer && streamOf(y) == x.Stream
		case fact.HTTP2GoAway:
			return y.Side == fact.SideServer
		case fact.HTTP2FlowBlocked:
			return true
		case fact.TLSAlert:
			return y.Size == 2
		}
		return false
	}) >= 0
}

// unanswered is the verdict on a request that was left without an answer, nil where the wait was short or is not over.
func unanswered(f *check.Flow, x *check.Exchange) *check.Verdict {
	end := f.EndAfter(x.RequestDone)
	if left := f.Find(x.RequestDone, func(y *fact.Fact) bool {
		return y.Kind == fact.HTTP2RstStream && y.Side == fact.SideClient && streamOf(y) == x.Stream
	}); left >= 0 && (end.At < 0 || left < end.At) {
		end.At, end.Side, end.How, end.Time = left, fact.SideClient, fact.HTTP2RstStream, f.Facts[left].At
	}
	if end.At < 0 {
		return stillWaits(f, x)
	}
	waited := end.Time.Sub(f.Facts[x.RequestDone].At)
	v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Ended: end.Side, Proof: []finding.Proof{f.Proof(x.RequestDone, fmt.Sprintf("%s is out, on stream %d", x.Line(), x.Stream))}}
	how := "until the client gave up"
	switch {
	case end.Side == fact.SideServer:
		how = "and ended the connection"
	case waited < impatient:
		return nil
	case end.How == fact.GaveUp:
		how = "until " + end.GaveUpWords()
	case waited < hasty:
		v.Severity = finding.Info // a user's patience
	default:
		v.Severity = finding.Warning
	}
	if !f.Has(fact.TLSCertificate) {
		v.Confidence, v.Settle = finding.Likely, "capture on the origin's side: an answer in packets of full size may be lost on the way, for none is known to have come on this connection"
	}
	v.Proof = append(v.Proof, f.Proof(end.At, "nothing came on the stream for "+finding.Span(waited)+", and here it ends"))
	v.Summary = fmt.Sprintf("The origin had %s on stream %d and sent nothing on it for %s, %s.", x.Line(), x.Stream, finding.Span(waited), how)
	return v
}

// stillWaits is unanswered where it goes on, nil where nobody knows that.
func stillWaits(f *check.Flow, x *check.Exchange) *check.Verdict {
	waited := f.Until().Sub(f.Facts[x.RequestDone].At)
	if !f.Lasts(x.RequestDone) || waited < impatient {
		return nil
	}
	return &check.Verdict{Confidence: finding.Likely, Severity: finding.Warning, Waited: waited, Lasts: true, Settle: "watch until an answer comes or somebody gives up",
		Proof:   []finding.Proof{f.Proof(x.RequestDone, fmt.Sprintf("%s is out, on stream %d", x.Line(), x.Stream))},
		Summary: fmt.Sprintf("The origin had %s on stream %d and has sent nothing on it for %s; it still waits.", x.Line(), x.Stream, finding.Span(waited))}
}
