package http1

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var bodyTruncated = check.Check{
	Code:      "http1.body_truncated",
	Title:     "the answer broke off before its end",
	Severity:  finding.Critical,
	Catalogue: []int{62},
	Refines:   []reason.Code{reason.ReadTruncated, reason.ReadResetInBody},
	On:        []fact.Kind{fact.HTTPCutShort, fact.ResponseHead, fact.FirstByte},
	Silences:  []finding.Code{"tls.no_close_notify"},
	Text: `The origin announced a length and ended the connection before that many bytes. Its own log usually says 200: the status was
written when the head was. The worker died in mid-answer, a script ran into its time limit, a disk or a stream behind it failed, a
front end of the origin lost its own upstream, or Content-Length was computed for another text than the one that was sent (bytes
and characters mixed up, a filter that changed the body behind the head).

What people see: a 200 with a broken page or download; curl exit 18 *transfer closed with N bytes remaining to read*; nginx
*upstream prematurely closed connection while reading upstream*; HAProxy **SD**; Go *unexpected EOF*; a browser
ERR_CONTENT_LENGTH_MISMATCH.

A length that is wrong by the same few bytes each time is computed wrongly; one that breaks off at varying places is a crash or a
timer; a round time before the end is a timer. A body without any length that ends by a close cannot be told from a truncated one:
that is tls.no_close_notify. In a chunked body the missing last chunk is http1.chunk_broken. Where the receiver ends it, the
origin is not to blame.`,
	Asks: []string{
		"Fetch it twice from the origin itself, and compare the lengths: `curl -so /dev/null -w '%{size_download} %{http_code}' --resolve {host}:{port}:{ip} https://{host}/PATH`",
		"Does it end at the same byte, or after the same time?",
		"What does the origin's error log say at that moment? On IIS HTTPERR: Connection_Dropped, Timer_MinBytesPerSecond (a receiver below 240 bytes/s).",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Set no Content-Length in the application, let IIS do it; look for limits that end slow downloads. minBytesPerSecond 0 switches that limit off for the whole server: slow clients then hold connections for as long as they like.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config -section:system.applicationHost/webLimits
%windir%\system32\inetsrv\appcmd.exe set config -section:system.applicationHost/webLimits /minBytesPerSecond:BYTES /commit:apphost`},
		{On: finding.Nginx, Do: "On an origin that runs nginx, see whether its own upstream broke off, or its buffer files did not fit the disk.",
			Lines: "grep -E 'prematurely closed|No space left|Permission denied' /var/log/nginx/error.log\ndf -h /var/lib/nginx /var/cache/nginx"},
		{On: finding.Apache, Do: "Look for children that died and for a handler that sets Content-Length though a filter changes the body.", Lines: "Header unset Content-Length"},
		{On: finding.Java, Do: "Do not set Content-Length where a filter changes the body; count bytes, not characters.", Lines: "byte[] b = text.getBytes(StandardCharsets.UTF_8); response.setContentLength(b.length);"},
		{On: finding.Node, Do: "Count bytes, not characters.", Lines: "res.setHeader('Content-Length', Buffer.byteLength(text))"},
	},
	Sources: []string{"RFC 9112 section 8", "RFC 9110 section 8.6", "IIS webLimits minBytesPerSecond"},
	Run:     runBodyTruncated,
}

func runBodyTruncated(c *check.Case) *check.Verdict {
	f := c.Flow
	cut := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.HTTPCutShort && x.Side == fact.SideServer && x.Text != "head"
	})
	if cut < 0 {
		return truncatedAttempt(f)
	}
	x := exchangeAt(f, cut)
	if x == nil || x.Stream != 0 || f.Facts[cut].Text == "body" && isChunked(x.Response) {
		return nil
	}
	e := f.EndAfter(x.RequestAt)
	if e.At < 0 || e.Side != fact.SideServer {
		return nil // the receiver ended it, or nobody did
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(e.At, endName(e))}}
	switch lacks := f.Facts[cut].Size; {
	case lacks > 0 && x.Response != nil && x.Response.Length > 0:
		v.Summary = fmt.Sprintf("The answer to %s announced %s and ended %s short; %s.", x.Line(), check.Count(x.Response.Length, "byte"), check.Count(lacks, "byte"), endName(e))
	default:
		v.Summary = fmt.Sprintf("The answer to %s broke off within its body; %s.", x.Line(), endName(e))
	}
	if x.ResponseAt >= 0 {
		v.Proof = append(v.Proof, f.Proof(x.ResponseAt, fmt.Sprintf("the answer, %d, announces %s", x.Status(), lengthOf(x.Response))))
		v.Waited = f.Since(x.ResponseAt, e.At)
	}
	if !proven(f) {
		v.Confidence, v.Settle = finding.Possible, "capture again without losses: the end may be among bytes that are missing here"
	}
	return v
}

// truncatedAttempt judges by the attempt's own reason, where no bytes were recorded.
func truncatedAttempt(f *check.Flow) *check.Verdict {
	if !slices.Contains([]reason.Code{reason.ReadTruncated, reason.ReadResetInBody}, f.Reason) {
		return nil
	}
	at := f.Last(fact.ResponseHead, fact.FirstByte)
	if at < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Summary: "The answer broke off within its body: the origin ended the connection before its end.",
		Proof: []finding.Proof{f.Proof(at, "the answer begins; the attempt ended as "+string(f.Reason))}}
	if f.Detail != "" {
		v.Proof[0].Text += " (" + f.Detail + ")"
	}
	return v
}

func isChunked(h *fact.HTTPHead) bool { return check.HasField(h, "Transfer-Encoding") }

func lengthOf(h *fact.HTTPHead) string {
	switch {
	case h == nil || h.Length < 0 && !isChunked(h):
		return "no length"
	case h.Length < 0:
		return "chunks"
	}
	return check.Count(h.Length, "byte")
}
