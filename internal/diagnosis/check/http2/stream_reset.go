package http2

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var streamReset = check.Check{
	Code:     "http2.stream_reset",
	Title:    "a stream, or the whole HTTP/2 connection, was broken off with an error",
	Severity: finding.Critical,
	Refines:  []reason.Code{reason.HTTP2RST, reason.HTTP2GoAway, reason.HTTP2BadFrame, reason.HTTP2NoStatus, reason.HTTP2PingFlood, reason.HTTP2SettingsFlood},
	On:       []fact.Kind{fact.HTTP2RstStream, fact.HTTP2GoAway},
	Silences: []finding.Code{"http1.body_truncated", "http1.closed_before_answer", "http1.reset_before_answer"},
	Text: `One side ended a stream with **RST_STREAM**, or all of them with **GOAWAY**, and gave an error code before the answer was whole.
What the codes of the origin mean in practice:

- PROTOCOL_ERROR (1): the request breaks a rule of HTTP/2: a Connection or Transfer-Encoding field, an upper-case field name, Host
  beside another :authority, a body unlike Content-Length.
- INTERNAL_ERROR (2): the program behind failed, or ended in the middle of a body; its own log says why.
- FLOW_CONTROL_ERROR (3), FRAME_SIZE_ERROR (6), COMPRESSION_ERROR (9): one of the two counts wrongly, or something on the way
  alters bytes.
- SETTINGS_TIMEOUT (4): nobody acknowledged the settings. STREAM_CLOSED (5): a late frame.
- CANCEL (8) of the origin: it does not want the stream any more, mostly a time limit behind it.

Elsewhere: Go *stream error: stream ID 5; INTERNAL_ERROR; received from peer*; Envoy **UR** with *remote_reset*, or **UPE**;
nginx's gRPC module *upstream rejected request with error 2*; curl *HTTP/2 stream 1 was not closed cleanly: PROTOCOL_ERROR (err
1)*.

Not to be taken for it: RST_STREAM NO_ERROR after a whole answer, by which a server says that it needs no more of the body (RFC
9113 section 8.1); CANCEL of the client, whose user left. Codes 7, 11, 12 and 13 are causes of their own.`,
	Asks: []string{
		"What does the origin's own log say at this time",
		"Is it the request or the protocol: `curl --http1.1` with the same request; `nghttp -v https://{host}/PATH`",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Look up the origin's log at this second; for PROTOCOL_ERROR compare the request's fields with RFC 9113 section 8.2."},
		{On: finding.Lunette, Do: "Speak HTTP/1.1 to this origin until it is mended.", Lines: "origin:\n  http: \"1.1\""},
	},
	Sources: []string{"RFC 9113 sections 5.4, 6.4, 7 and 8.1.1"},
	Run:     runStreamReset,
}

func runStreamReset(c *check.Case) *check.Verdict {
	f := c.Flow
	i := f.Find(-1, func(x *fact.Fact) bool { return breaks(f, x) })
	if i < 0 {
		return nil
	}
	x := &f.Facts[i]
	stream := streamOf(x)
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, fmt.Sprintf("%s of the %s%s", frame(x), x.Side, debug(x)))}}
	switch {
	case x.Kind == fact.HTTP2GoAway:
		v.Summary = fmt.Sprintf("The %s ended the HTTP/2 connection with an error: %s%s.", x.Side, frame(x), debug(x))
	default:
		v.Summary = fmt.Sprintf("The %s broke off %s: %s.", x.Side, line(f, stream), frame(x))
		if e := exchangeOn(f, stream); e != nil && e.RequestAt >= 0 {
			v.Proof = append(v.Proof, f.Proof(e.RequestAt, fmt.Sprintf("%s on stream %d", e.Line(), stream)))
		}
	}
	return v
}

// breaks reports whether a frame broke something off that was not over.
func breaks(f *check.Flow, x *fact.Fact) bool {
	switch {
	case x.Kind != fact.HTTP2RstStream && x.Kind != fact.HTTP2GoAway, x.Code == refusedStream, x.Code >= enhanceYourCalm && x.Code <= http11Required:
		return false
	case x.Kind == fact.HTTP2GoAway:
		return x.Code != noError
	case x.Side == fact.SideClient && (x.Code == cancel || x.Code == noError):
		return false
	}
	return !answered(f, streamOf(x))
}
