package tcp

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	deadWait     = "dead_wait"         // the timer with which the gateway ends a wait in which nobody was going to speak again
	neitherReads = "neither end reads" // how its reason begins where both windows were 0
)

// stuck is how long a window must stay shut to be more than a reader that is busy.
const stuck = 5 * time.Second

// lastingStuck is the same of one that is shut now.
const lastingStuck = 3 * time.Second

var zeroWindow = check.Check{
	Code:      "tcp.zero_window",
	Title:     "the origin stopped reading: it takes nothing of the request any more",
	Severity:  finding.Critical,
	Catalogue: []int{14},
	Refines:   []reason.Code{reason.WriteTimeout, reason.WriteReset, reason.WriteEOF, reason.TLSRenegotiationFailed},
	On:        []fact.Kind{fact.TCPZeroWindow, fact.GaveUp, fact.TLSApplicationData, fact.RequestHead},
	Silences:  []finding.Code{"client.gone", "read.timer_inversion", "http1.answer_stalled"},
	Text: `Bytes of an upload arrive faster than the origin's program reads them; its receive buffer fills and the kernel announces a
**window of 0**. The sender may send no more, and asks from time to time whether that has changed (window probes). A program that
is busy opens the window again soon. One that waits for something else never does: a server in a TLS renegotiation that does not
read the body meanwhile, one that writes its own answer to a client that does not read it, a handler that hangs on a database, a
disk that is full.

Elsewhere: nginx *upstream timed out (110) while sending request to upstream*; HAProxy **sH** or **cD**; Go *i/o timeout* on
write; IIS writes Timer_EntityBody to HTTPERR after 120 s.

Told apart from the renegotiation deadlock (tls.renegotiation_body_deadlock) by the handshake record of the server before it; from
lost packets, which are sent again without a window of 0; from a flow-control stall of HTTP/2 (http2.flow_control_stall), in which
TCP's window is open. Live traffic shows no windows: there a write that timed out makes it likely and no more. A window that opens
again is a slow reader, and no fault by itself.`,
	Asks: []string{
		"What is the origin's program doing: `ss -tnp` shows Recv-Q of this connection; a thread dump (`jstack PID`, `gdb -p`, procdump)",
		"Does a small body pass, and a large one not: `curl --data-binary @1k https://{host}/PATH`; the same with 200 KiB",
		"On IIS: `findstr /s Timer_EntityBody %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Read the body, or answer and close: find out what the handler waits for."},
		{On: finding.IIS, Do: "Where a client certificate is asked for on a path with uploads: ask during the handshake, or read more ahead.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config "SITE" /section:system.webServer/serverRuntime
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/serverRuntime /uploadReadAheadSize:10485760 /commit:apphost`},
		{On: finding.Nginx, Do: "On an nginx that is the origin: let it take the body in before it passes it on.", Lines: "proxy_request_buffering on;\nclient_body_timeout 60s;"},
		{On: finding.Lunette, Do: "Fail sooner, so that others are not held up.", Lines: "origin:\n  timeouts: {write: 20s}"},
	},
	Sources: []string{"RFC 9293 sections 3.8.6.1 and 3.8.6.2", "Microsoft KB820729 (Timer_EntityBody)", "IIS: serverRuntime, uploadReadAheadSize"},
	Run:     runZeroWindow,
}

func runZeroWindow(c *check.Case) *check.Verdict {
	f := c.Flow
	i, lasted, open := shut(f, fact.SideServer)
	switch {
	case i < 0:
		return writeGivenUp(f)
	case lasted < time.Second, open < 0 && f.Find(i, answers) >= 0: // answered without reading on
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: unowned(f, i, lasted), Proof: []finding.Proof{f.Proof(i, "the server announces a window of 0: it reads no more")}}
	if open >= 0 {
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The server read nothing for %s (a window of 0) and then went on: it reads more slowly than the body comes.", finding.Span(lasted))
		v.Proof = append(v.Proof, f.Proof(open, "the window is open again after "+finding.Span(lasted)))
		return v
	}
	if v.Lasts = f.Lasts(i); v.Lasts && lasted >= lastingStuck {
		v.Severity = finding.Warning
	} else if lasted < stuck {
		v.Severity = finding.Info
	}
	v.Summary = fmt.Sprintf("The server stopped reading (a window of 0) and had not gone on %s later.", finding.Span(lasted))
	if v.Lasts {
		v.Summary = fmt.Sprintf("The server has stopped reading (a window of 0) and not gone on for %s, so far.", finding.Span(lasted))
	}
	if end := f.EndAfter(i); end.At >= 0 {
		v.Proof = append(v.Proof, f.Proof(end.At, "it ends here, the window was never opened again"))
	} else {
		v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
	}
	if asked := renegotiation(f, i); asked >= 0 {
		v.Confidence, v.Settle = finding.Possible, "see what becomes of the renegotiation"
		v.Summary += " Before that it had asked to renegotiate, which explains it."
		v.Proof = append(v.Proof, f.Proof(asked, "the server had asked to renegotiate"))
	}
	return v
}

// shut finds the longest time that side s announced a window of 0, with the index of its beginning and of its end, -1 where it had none.
func shut(f *check.Flow, s fact.Side) (at int, lasted time.Duration, open int) {
	at, open = -1, -1
	for i := f.FirstOf(s, fact.TCPZeroWindow); i >= 0; i = f.NextOf(s, i, fact.TCPZeroWindow) {
		o := f.NextOf(s, i, fact.TCPWindowOpen)
		d := remaining(f, i)
		if o >= 0 {
			d = f.Since(i, o)
		}
		if at < 0 || d > lasted {
			at, lasted, open = i, d, o
		}
	}
	return at, lasted, open
}

// renegotiation is the first HelloRequest, where it came before index i, else -1.
func renegotiation(f *check.Flow, i int) int {
	j := f.First(fact.TLSHelloRequest)
	if j > i {
		return -1
	}
	return j
}

// writeGivenUp is what live traffic shows of it: the origin took nothing of a request until our timer ran out.
func writeGivenUp(f *check.Flow) *check.Verdict {
	i := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.GaveUp && (x.Text == "timeouts.write" || x.Text == deadWait && f.Ours && f.Reason == reason.WriteTimeout)
	})
	if f.Watched&check.Packets != 0 {
		return nil
	}
	if i < 0 {
		return writeStands(f)
	}
	waited := time.Duration(f.Facts[i].Size)
	v := &check.Verdict{Confidence: finding.Likely, Settle: "capture the packets: a window of 0 from the origin, or segments sent again without an ACK",
		Proof:   []finding.Proof{f.Proof(i, f.Facts[i].Text+" ran out after "+finding.Span(waited)+": the origin took nothing")},
		Summary: fmt.Sprintf("The origin took nothing more of the request for %s.", finding.Span(waited))}
	if f.Facts[i].Text == deadWait && strings.Contains(f.Detail, neitherReads) {
		v.Proof = append(v.Proof, f.Proof(i, f.Detail))
		v.Summary = fmt.Sprintf("For %s the origin took nothing more of the request, nor the client of the answer: neither end read.", finding.Span(waited))
		v.Settle = "see what the client waits for: one that reads the answer only once its upload is through waits for ever, one that paused goes on"
	}
	if asked := renegotiation(f, i); asked >= 0 {
		v.Confidence = finding.Possible
		v.Summary += " Before that it had asked to renegotiate, which explains it."
		v.Proof = append(v.Proof, f.Proof(asked, "the server had asked to renegotiate"))
	}
	return v
}

// writeStands is a write of ours that goes on: the reason is that with which it would end. The origin may be slow, and take more soon.
func writeStands(f *check.Flow) *check.Verdict {
	i := f.Last(fact.TLSApplicationData, fact.RequestHead)
	if !f.Ours || f.Reason != reason.WriteTimeout || i < 0 || f.Facts[i].Side != fact.SideClient || !f.Lasts(i) || f.Has(fact.HTTP2FlowBlocked) {
		return nil
	}
	waited := f.Until().Sub(f.Facts[i].At)
	if waited < time.Second {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Possible, Severity: finding.Warning, Waited: waited, Lasts: true,
		Settle:  "capture the packets (lunette capture): a window of 0 from the origin, or segments sent again without an ACK",
		Proof:   []finding.Proof{f.Proof(i, "the last that could be written of the request")},
		Summary: fmt.Sprintf("The origin has taken nothing more of the request for %s, so far.", finding.Span(waited))}
	if asked := renegotiation(f, i); asked >= 0 {
		v.Summary += " Before that it had asked to renegotiate, which explains it."
		v.Proof = append(v.Proof, f.Proof(asked, "the server had asked to renegotiate"))
	}
	return v
}
