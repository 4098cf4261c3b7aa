package session

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func renegotiationBodyDeadlock() check.Check {
	return check.Check{
		Code:      "tls.renegotiation_body_deadlock",
		Title:     "the origin asked to renegotiate while the request body was under way, and both sides wait",
		Severity:  finding.Critical,
		Catalogue: []int{37},
		Refines: []reason.Code{reason.TLSRenegotiationFailed, reason.WriteTimeout, reason.WriteReset, reason.ReadFirstByteTimeout, reason.ReadResetBeforeHeader,
			reason.ReadOverTotalTime},
		On: []fact.Kind{fact.TLSHelloRequest},
		Silences: []finding.Code{"tls.hello_request_ignored", "tcp.zero_window", "http1.slow_first_byte", "http1.reset_before_answer", "http1.closed_before_answer",
			"http1.answer_stalled", "http1.continue_stall", "tls.revocation_stall", "read.timer_inversion", "client.gone"},
		Text: `The origin reads the head of an upload and sends a TLS **HelloRequest**, because this path wants a client certificate. The body is
already under way. The origin now wants a ClientHello and reads no application data beyond a small buffer; the client's
ClientHello stands behind the body in the same stream, or the client does not even read while it writes. So both wait: the
origin's receive window closes, and a timer ends it (120 s on IIS). GETs and small POSTs on the same path work, which makes it
look like a network fault.

nginx says *upstream timed out while sending request to upstream* (504), Go *use of closed network connection* or a write timeout,
HAProxy **sD** or **SD**. IIS logs Timer_SslRenegotiation or Timer_EntityBody to HTTPERR. With IIS a body up to
uploadReadAheadSize (49,152 bytes) passes; Apache buffers up to SSLRenegBufferSize (131,072 bytes) and answers 413 beyond it
(tls.renegotiation_body_too_large).

On the wire: HelloRequest, then more application data of the client, then a zero window, or a ClientHello that nobody answers.
Where the whole body had arrived it is tls.hello_request_ignored; where there is no HelloRequest a zero window is a slow reader
(tcp.zero_window).`,
		Asks: []string{
			"On IIS: `findstr /s \"Timer_SslRenegotiation Timer_EntityBody\" %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`",
			"Does the same upload pass with a body below 48 KiB, or with Expect: 100-continue?",
		},
		Mends: append([]finding.Mend{
			{On: finding.IIS, Do: "Read the whole body ahead before renegotiating: uploadReadAheadSize at least as large as the largest upload. It is held in memory, for each request.",
				Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config "SITE" /section:system.webServer/serverRuntime
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/serverRuntime /uploadReadAheadSize:10485760 /commit:apphost`},
			{On: finding.Apache, Do: "Buffer the body: SSLRenegBufferSize for the path, in bytes; it is held in memory, for each request.",
				Lines: "<Location /upload>\n    SSLRenegBufferSize 10486000\n</Location>"},
			{On: finding.Lunette, Do: "Nothing to set: on a new connection Lunette announces large bodies (Expect: 100-continue) to origins that may renegotiate, so that the asking comes first; renegotiation must not be \"never\".",
				Lines: "origin:\n  tls:\n    renegotiation: auto\n    max_version: \"1.2\"\n  http: \"1.1\""},
		}, mendsAsking()...),
		Sources: []string{"RFC 5246 section 7.4.1.1", "Microsoft: serverRuntime, uploadReadAheadSize", "Apache mod_ssl: SSLRenegBufferSize", "aspnet Announcements#422"},
		Run:     runRenegotiationBodyDeadlock,
	}
}

func runRenegotiationBodyDeadlock(c *check.Case) *check.Verdict {
	f := c.Flow
	for _, a := range requests(f) {
		if a.answer == refusal || a.answer == "" && !bodyReason(f) || lostBetween(f, fact.SideNone, a.at, -1) {
			continue
		}
		from := a.at
		if a.answer == complied {
			if from = a.by; f.NextOf(fact.SideServer, from, fact.TLSServerHello, fact.TLSEncryptedMessage, fact.TLSRenegotiated, fact.TLSChangeCipherSpec) >= 0 || f.Next(from, fact.TLSRenegotiated) >= 0 {
				continue // the handshake went on
			}
		}
		until, content, end := over(f, from)
		waited := until.Sub(f.Facts[from].At)
		if content >= 0 || waited < patience {
			continue
		}
		if v := stuck(f, &a, end, waited); v != nil {
			return v
		}
	}
	return nil
}

// bodyReason reports whether the gateway said of itself that it could not get rid of the body.
func bodyReason(f *check.Flow) bool {
	return f.Ours && (f.Reason == reason.TLSRenegotiationFailed && strings.Contains(f.Detail, "request body") || f.Reason == reason.WriteTimeout)
}

// unheard reports whether the gateway said of itself that its ClientHello reached the origin's host and was not answered.
func unheard(f *check.Flow) bool {
	return f.Ours && f.Reason == reason.TLSRenegotiationFailed && strings.Contains(f.Detail, "no answer to our ClientHello")
}

// hasBody reports whether the request that waits was sent with a body.
func hasBody(f *check.Flow) bool {
	all := f.Exchanges()
	return len(all) > 0 && all[len(all)-1].Request != nil && all[len(all)-1].Request.Length != 0
}

// stuck looks for the body that is in the way.
func stuck(f *check.Flow, a *asked, end check.End, waited time.Duration) *check.Verdict {
	v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Proof: []finding.Proof{f.Proof(a.at, "the origin sends HelloRequest: it asks to renegotiate")}}
	zero := f.NextOf(fact.SideServer, a.at, fact.TCPZeroWindow)
	cut := f.Find(a.at, func(x *fact.Fact) bool {
		return x.Kind == fact.HTTPCutShort && x.Side == fact.SideClient && x.Text == "body"
	})
	more := f.NextOf(fact.SideClient, a.at, fact.TLSApplicationData)
	what := ""
	switch {
	case zero >= 0:
		what = "the origin stopped reading the body (zero window)"
		v.Proof = append(v.Proof, f.Proof(zero, "the origin takes no more of the body: zero window"))
	case bodyReason(f):
		what = "the origin read no more of the body (" + strings.TrimSpace(string(f.Reason)+" "+f.Detail) + ")"
		v.Proof = append(v.Proof, f.Proof(len(f.Facts)-1, what))
	case cut >= 0 && (more >= 0 || a.answer == complied):
		what = fmt.Sprintf("%d bytes of the body were never sent", f.Facts[cut].Size)
		v.Proof = append(v.Proof, f.Proof(cut, what))
	case more >= 0 && a.answer == complied:
		what = "content of the client stood in front of its ClientHello"
		v.Confidence, v.Settle = finding.Likely, "the decrypted content, to see the body that is cut short, or a capture at the origin that shows its window closing"
	case a.answer == complied && unheard(f) && hasBody(f):
		what = "the origin had the client's ClientHello, of which content of the request stands in front, and said nothing"
		v.Confidence, v.Settle = finding.Likely, "the same request with a small body, or with Expect: 100-continue: if that passes, the body was in the way"
	default:
		return nil
	}
	if more >= 0 {
		v.Proof = append(v.Proof, f.Proof(more, "the client goes on sending the body"))
	}
	if a.answer == complied {
		v.Proof = append(v.Proof, f.Proof(a.by, "the client's ClientHello, which the origin never answers"))
	}
	if end.At >= 0 {
		v.Proof = append(v.Proof, f.Proof(end.At, "it ends here after "+finding.Span(waited)))
	}
	how := "until " + endWords(end)
	if v.Lasts = f.Lasts(a.at); v.Lasts {
		if how = "and still wait"; waited < longPatience {
			v.Confidence, v.Settle = finding.Likely, "watch a little longer: the handshake may yet go on"
		}
	}
	confirm(f, v, "Timer_SslRenegotiation", "Timer_EntityBody")
	upload := ""
	if l := line(f, a.at); l != "the request" {
		upload = " (" + l + ")"
	}
	v.Summary = fmt.Sprintf("The origin asked for a new handshake in the middle of the upload%s; %s, and both sides waited %s, %s.", upload, what, finding.Span(waited), how)
	return v
}
