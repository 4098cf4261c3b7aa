package http1

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var closedBeforeAnswer = check.Check{
	Code:      "http1.closed_before_answer",
	Title:     "the origin took the request and closed the connection without a whole head of an answer",
	Severity:  finding.Critical,
	Catalogue: []int{59},
	Refines:   []reason.Code{reason.ReadEOFBeforeHeader, reason.ReadEOFInHeader, reason.WriteEOF},
	On:        []fact.Kind{fact.TCPClosed, fact.TLSAlert, fact.RequestSent, fact.FirstByte},
	Text: `The handshake was fine and the request went out. Then the origin sent a FIN, or close_notify and a FIN, and not one byte of a
status line. An orderly close is made by software: the worker that had the request died or was recycled, the handler returned
without writing (Tomcat after an uncaught error, a Node process that exits), a supervisor drained the connection, or a server
behind the origin's own front end went away. On IIS it is w3wp that crashed or was recycled: http.sys then writes
Connection_Abandoned_By_ReqQueue.

nginx prints *upstream prematurely closed connection while reading response header from upstream* for this and for a reset alike.
HAProxy logs **SH**, Go says *EOF* (Caddy: 502), Apache's mod_proxy AH01102 with AH00898 *(70014)End of file found*, Envoy **UC**.

What looks alike: on a connection that was used before, and after a pause, it is more often the keep-alive limit of the origin
that met our request on its way (tcp.keep_alive_race), which a retry mends. A RST instead of a FIN is http1.reset_before_answer.
With a fatal alert, or after a HelloRequest, the cause is one of TLS. When the answer had begun, see http1.body_truncated.`,
	Asks: []string{
		"Which process had the request, and did it end then? On Linux: `journalctl -k | grep -iE 'segfault|oom'`, systemctl status of the service.",
		"On IIS: `findstr /s Connection_Abandoned %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`, and the System log for WAS 5009, 5011, 5074.",
		"Does the same request fail directly on the origin (`curl -v --resolve`)? If only this one does, look at what it makes the application do.",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "See whether the worker crashes or is recycled, and why.",
			Lines: `# PowerShell, as administrator
Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Microsoft-Windows-WAS'} -MaxEvents 20
Get-WinEvent -FilterHashtable @{LogName='Application';ProviderName='Application Error'} -MaxEvents 20
& $env:windir\system32\inetsrv\appcmd.exe list apppool /text:*`},
		{On: finding.Nginx, Do: "On an origin that runs nginx, look for workers that died, and for return 444, which closes without an answer.",
			Lines: "grep -E 'exited on signal|worker process' /var/log/nginx/error.log\nnginx -T | grep -n 'return 444'"},
		{On: finding.Apache, Do: "Look for children that died.", Lines: "grep -E 'AH00051|AH00052|exit signal' /var/log/apache2/error.log"},
		{On: finding.Java, Do: "Look for errors of the connector and for threads that died.", Lines: "grep -E 'SEVERE|OutOfMemoryError' $CATALINA_BASE/logs/catalina.out"},
		{On: finding.Node, Do: "Let uncaught errors answer 500 before the process ends, and let it finish open requests (server.close) when it is told to stop.",
			Lines: "process.on('SIGTERM', () => server.close(() => process.exit(0)))"},
		{On: finding.Lunette, Do: "Try once more where that is safe; a request that may change something is not repeated.", Lines: "origin:\n  retries: 2"},
	},
	Sources: []string{"RFC 9112 section 9.5", "RFC 9110 section 9.2.2 (idempotent methods)", "Microsoft KB820729 (HTTPERR reason phrases)"},
	Run:     runClosedBeforeAnswer,
}

func runClosedBeforeAnswer(c *check.Case) *check.Verdict {
	e := endedBy(c, []reason.Code{reason.ReadEOFBeforeHeader, reason.WriteEOF}, fact.TCPClosed, fact.TLSAlert)
	if e == nil {
		return withinHead(c.Flow, "closed the connection", fact.TCPClosed, fact.TLSAlert)
	}
	return unanswered(c.Flow, e, "closed the connection")
}

// withinHead is the verdict for a connection that the origin ended, in one of these ways, when it had sent a part of the head.
func withinHead(f *check.Flow, how string, kinds ...fact.Kind) *check.Verdict {
	begun := f.Last(fact.FirstByte)
	cut := cutHead(f)
	if cut < 0 && (f.Reason != reason.ReadEOFInHeader || begun < 0) {
		return nil
	}
	at := max(cut, begun)
	e := f.EndAfter(max(begun, f.First(fact.RequestHead), 0))
	if e.At >= 0 && (e.Side != fact.SideServer || !slices.Contains(kinds, e.How)) || e.At < 0 && f.Reason != reason.ReadEOFInHeader || f.Handshaken(at) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the answer stops within its head")},
		Summary: fmt.Sprintf("The origin began to answer %s, and %s within the head.", lineAt(f, at), how)}
	if e.At >= 0 {
		v.Proof = append(v.Proof, f.Proof(e.At, endName(e)))
	}
	if !proven(f) {
		v.Confidence, v.Settle = finding.Possible, "capture again without losses: the end of the head may be among bytes that are missing here"
	}
	return v
}

// unanswered is the verdict for a connection that the origin ended instead of answering.
func unanswered(f *check.Flow, e *ended, how string) *check.Verdict {
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(e.At, e.Line()+" is sent")}}
	end, body := "", ""
	if e.at >= 0 {
		took := f.Since(e.At, e.at)
		end = " " + finding.Span(took) + " later"
		v.Waited = took
		v.Proof = append(v.Proof, f.Proof(e.at, "the origin "+how+"; no byte of an answer came"))
	} else {
		v.Proof[0].Text += "; the attempt ended as " + string(f.Reason)
	}
	if !e.Whole {
		body = ", before the whole body was sent"
	}
	v.Summary = fmt.Sprintf("The origin got %s and%s %s without a byte of an answer%s.", e.Line(), end, how, body)
	switch {
	case !e.Sure:
		v.Severity, v.Confidence, v.Settle = finding.Info, finding.Possible, "decrypt the connection (give its secrets): whether an answer came cannot be seen without"
	case !e.First:
		v.Confidence, v.Settle = finding.Likely, "see whether it happens on new connections too; on used ones alone it is the origin's keep-alive limit"
	}
	return v
}
