package http2

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	// promptly is how soon after a handshake an end belongs to it.
	promptly = time.Second
	// stalled is how long a window must be shut to be more than a reader that is busy.
	stalled = 5 * time.Second
)

var flowControlStall = check.Check{
	Code:      "http2.flow_control_stall",
	Title:     "a transfer over HTTP/2 stands still: the receiver does not open its window",
	Severity:  finding.Critical,
	Catalogue: []int{74},
	Refines:   []reason.Code{reason.HTTP2FlowControl, reason.WriteTimeout, reason.ReadBodyStall},
	On:        []fact.Kind{fact.HTTP2FlowBlocked},
	Silences:  []finding.Code{"http2.stream_reset", "http1.answer_stalled", "http1.body_truncated", "client.gone", "read.timer_inversion"},
	Text: `Each stream of HTTP/2, and the connection as a whole, has a window of its own above TCP: 65,535 bytes at first. The receiver opens
it again with **WINDOW_UPDATE** as it reads. When it does not, the sender stops in the middle of a body, at exactly the bytes that
the window had, while TCP's window is open and other streams may go on. An upload stands still because the origin's handler does
not read; a download, because whoever is in front does not: the proxy, or a client behind it that is slow or gone.

A window of the **connection** that is not opened freezes every stream: typically a program that resets streams without giving
back what they had taken of the shared window, one stream after the other, until nothing is left.

Elsewhere: Go *http2: timeout awaiting response headers* or nothing at all; Envoy **UT** or *stream_idle_timeout*; nginx's gRPC
module *upstream violated stream flow control* for the opposite fault; curl stops at 64 KiB and waits.

Told apart from a slow origin by the sum of the bytes, which equals the window; from TCP's zero window (tcp.zero_window) by the
segments that are still acknowledged; from a reader that is merely slow by the WINDOW_UPDATE that comes.`,
	Asks: []string{
		"Does the origin's handler read the body at all: a thread dump while it hangs",
		"Does the same transfer work over HTTP/1.1: `curl --http1.1` and `curl --http2` with the same file",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Speak HTTP/1.1 to this origin, whose windows are those of TCP alone.", Lines: "origin:\n  http: \"1.1\""},
		{On: finding.Nginx, Do: "On an nginx that is the origin: larger windows for uploads, and read the body in.", Lines: "http2_body_preread_size 128k;\nproxy_request_buffering on;"},
		{On: finding.Apache, Do: "A larger window for uploads.", Lines: "H2WindowSize 1048576"},
		{On: finding.Java, Do: "Larger windows, and read the body in the handler even when it is not wanted.",
			Lines: `<UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol" initialWindowSize="1048576" />`},
		{On: finding.Node, Do: "Read or destroy the request stream in every handler.", Lines: "req.resume()"},
	},
	Sources: []string{"RFC 9113 sections 5.2, 6.9 and 6.9.1"},
	Run:     runFlowControlStall,
}

func runFlowControlStall(c *check.Case) *check.Verdict {
	f := c.Flow
	worst := -1
	for i := f.First(fact.HTTP2FlowBlocked); i >= 0; i = f.Next(i, fact.HTTP2FlowBlocked) {
		if worst < 0 || f.Facts[i].Size > f.Facts[worst].Size {
			worst = i
		}
	}
	if worst < 0 || time.Duration(f.Facts[worst].Size) < time.Second {
		return nil
	}
	x := &f.Facts[worst]
	stream, lasted := streamOf(x), time.Duration(x.Size)
	what := "the connection"
	if stream != 0 {
		what = fmt.Sprintf("stream %d (%s)", stream, line(f, stream))
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(worst, fmt.Sprintf("the %s could send nothing on %s for %s", x.Side, what, finding.Span(lasted)))}}
	lasts := f.Lasts(worst - 1)
	if done(f, worst, x.Side, stream) || lasted < stalled && !endedDead(f) && !lasts {
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The %s had to wait %s for window on %s: the %s reads slowly.", x.Side, finding.Span(lasted), what, x.Side.Other())
		return v
	}
	v.Summary = fmt.Sprintf("The %s stood still for %s on %s and never went on: the %s gave it no window.", x.Side, finding.Span(lasted), what, x.Side.Other())
	if end := f.EndAfter(worst - 1); end.At >= 0 && end.How != fact.GaveUp {
		v.Waited = lasted
	}
	if lasts {
		v.Waited, v.Lasts, v.Severity, v.Confidence, v.Settle = lasted, true, finding.Warning, finding.Likely, "watch until it goes on or somebody gives up"
		if lasted < hasty {
			v.Confidence = finding.Possible
		}
		v.Summary = fmt.Sprintf("The %s has stood still for %s on %s, so far: the %s gives it no window.", x.Side, finding.Span(lasted), what, x.Side.Other())
	}
	if x.Side == fact.SideServer { // our end, or who is in front of it, does not read
		v.Severity = finding.Warning
		v.Confidence, v.Settle = finding.Likely, "see whether the client in front still read: if it was slow or gone, the origin is well"
	}
	return v
}

// done reports whether the transfer went on after index i: its body ended, or more came.
func done(f *check.Flow, i int, s fact.Side, stream int) bool {
	kind := fact.RequestDone
	if s == fact.SideServer {
		kind = fact.ResponseDone
	}
	return f.Find(i, func(x *fact.Fact) bool {
		return x.Side == s && (x.Kind == kind && (stream == 0 || x.Code == stream) || x.Kind == fact.TLSApplicationData && x.Size > 64)
	}) >= 0
}

// endedDead reports whether the gateway ended the wait because nobody was going to speak again: that it was short says nothing then.
func endedDead(f *check.Flow) bool {
	return f.Find(-1, func(x *fact.Fact) bool { return x.Kind == fact.GaveUp && x.Text == "dead_wait" }) >= 0
}
