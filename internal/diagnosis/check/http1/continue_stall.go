package http1

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// longHold is from when a body that was held back in vain is felt; curl and Go hold it back for 1 s, .NET for 350 ms.
const longHold = 900 * time.Millisecond

var continueStall = check.Check{
	Code:      "http1.continue_stall",
	Title:     "the client held its body back for a 100 (Continue) that never came",
	Severity:  finding.Critical,
	Catalogue: []int{66},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.WriteTimeout, reason.ClientGone},
	On:        []fact.Kind{fact.RequestHead, fact.ContinueWaited},
	Silences:  []finding.Code{"http1.slow_first_byte", "http1.closed_before_answer", "http1.reset_before_answer", "client.gone"},
	Text: `With Expect: 100-continue a client sends its head and waits before it sends the body. The server says 100 (Continue), or a final
status. When something on the way passes the field on but not the 100, or the origin does not know the field at all, both wait:
the origin for a body, the client for a word. curl and many libraries give up after 1 s and send the body, so that every upload is
a second slower; .NET waits 350 ms; clients that follow the letter wait for good, until a timer ends it. An origin that says no at
once, with 413 or 417, does what the field is for (origin.body_too_large, http1.request_refused).

What people see: uploads that take exactly one second longer than they should; POSTs above 1 MB (curl's threshold; 1 KB in older
versions) that hang while small ones work; nginx *upstream timed out while reading response header*; on IIS Timer_EntityBody in
HTTPERR.

A client that waits and gets its 100 late only has a slow origin. Where a HelloRequest lies in the wait, the origin wants to
renegotiate before the body: tls.renegotiation_body_deadlock, and there Expect is the cure and not the fault.`,
	Asks: []string{
		"Does it go away without the field: `curl -H 'Expect:' --data-binary @FILE https://{host}/PATH`?",
		"Who drops the 100: compare a capture between client and proxy with one between proxy and origin.",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Answer 100 as soon as the request will be read, or a final status at once."},
		{On: finding.Node, Do: "Node does it by itself unless a checkContinue listener forgets to.", Lines: "server.on('checkContinue', (req, res) => { res.writeContinue(); handle(req, res) })"},
		{On: finding.Nginx, Do: "Where nginx is the proxy in between, it answers 100 itself while proxy_request_buffering is on; do not pass Expect on then.",
			Lines: "proxy_request_buffering on;\nproxy_set_header Expect \"\";"},
		{On: finding.Apache, Do: "Where mod_proxy is in between, have it ask the origin, or not.", Lines: "RequestHeader unset Expect early"},
		{On: finding.IIS, Do: "http.sys answers 100 by itself when the application begins to read. A client in .NET can leave the field out.",
			Lines: "// C#\nclient.DefaultRequestHeaders.ExpectContinue = false;"},
		{On: finding.Java, Do: "Tomcat answers when the request is accepted; choose so explicitly.", Lines: `<!-- add to the Connector that is there -->
continueResponseTiming="immediately"`},
	},
	Sources: []string{"RFC 9110 section 10.1.1", "trafficserver#7346", "fluxzy#625"},
	Run:     runContinueStall,
}

// expects reports whether the request holds its body back for a 100.
func expects(x *check.Exchange) bool {
	return strings.EqualFold(strings.TrimSpace(check.Field(x.Request, "Expect")), "100-continue")
}

func runContinueStall(c *check.Case) *check.Verdict {
	f := c.Flow
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if !expects(x) || x.RequestAt < 0 || x.Stream != 0 {
			continue
		}
		if len(x.Interims) > 0 && f.Facts[x.Interims[0]].Code == 100 || f.Handshaken(x.RequestAt) || x.Status() == 413 || x.Status() == 417 {
			continue
		}
		if v := heldInVain(f, x); v != nil {
			return v
		}
	}
	return nil
}

func heldInVain(f *check.Flow, x *check.Exchange) *check.Verdict {
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.RequestAt, "the head is sent, with Expect: 100-continue")}}
	if i := f.Next(x.RequestAt, fact.ContinueWaited); i >= 0 {
		held := time.Duration(f.Facts[i].Size)
		if held == 0 { // live facts leave it out
			held = f.Since(x.RequestAt, i)
		}
		if f.Facts[i].Text != "gave_up" || held < 300*time.Millisecond || x.ResponseAt < 0 {
			return nil // without an answer the wait was not what it failed by
		}
		v.Waited = held
		v.Proof = append(v.Proof, f.Proof(i, "the client sends the body without having heard anything, "+finding.Span(held)+" later"))
		v.Summary = fmt.Sprintf("The body of %s was held back for %s; no 100 (Continue) came, so it was sent without.", x.Line(), finding.Span(held))
		if v.Severity = finding.Warning; held < longHold || x.Status() >= 400 { // a refusal is what it failed by
			v.Severity = finding.Info
		}
		return v
	}
	if x.RequestDone >= 0 || x.ResponseAt >= 0 {
		return nil
	}
	e := f.EndAfter(x.RequestAt)
	length, at := f.SilenceAfter(x.RequestAt, e.At)
	if at < 0 || length < impatient {
		return nil
	}
	v.Waited = length
	v.Proof = append(v.Proof, f.Proof(at, "neither a 100 nor the body is sent, for "+finding.Span(length)))
	v.Summary = fmt.Sprintf("%s waited with its body for a 100 (Continue) and the origin for the body; both were silent for %s.", x.Line(), finding.Span(length))
	if e.At >= 0 {
		v.Proof = append(v.Proof, f.Proof(e.At, endName(e)))
	} else {
		v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
	}
	if v.Lasts = f.Lasts(x.RequestAt); v.Lasts {
		v.Summary = fmt.Sprintf("%s waits with its body for a 100 (Continue) and the origin for the body; both have been silent for %s, so far.", x.Line(), finding.Span(length))
	}
	return v
}
