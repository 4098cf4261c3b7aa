package http1

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var earlyAnswer = check.Check{
	Code:     "http1.early_answer",
	Title:    "the origin answered before it had the whole request, and did not read the rest",
	Severity: finding.Warning,
	Refines:  []reason.Code{reason.WriteEarlyResponse, reason.WriteReset, reason.WriteEOF},
	On:       []fact.Kind{fact.ResponseHead},
	Text: `A server may answer before the body is there: 413, 401, 403, a redirect to the log-in. What matters is what it does next. When it
closes at once with bytes unread, its kernel sends a RST, and a RST makes the receiver's kernel throw away what it has not read
yet: the answer itself. So the client sees *connection reset* or *broken pipe* instead of the 413, now and then and the more the
longer the way. RFC 9112 section 9.6 asks servers to close in stages: stop sending, go on reading for a while, then close.

Go reports *write: connection reset by peer* or *write: broken pipe*, curl *Send failure: Connection reset by peer* (55), nginx
*sendfile() failed (104…) while sending request to upstream* (it shows the answer where it had come), HAProxy **SD** or **SH**,
IIS Connection_Dropped. Users of uploads say it fails at random.

The cause of the refusal is in the status. 413 has its own pages (origin.body_too_large, tls.renegotiation_body_too_large), 401
with NTLM origin.ntlm_connection_shared. An early answer whose request is read to its end is no fault.`,
	Asks: []string{"Does it work with a small body, or with Expect: 100-continue (`curl -H 'Expect: 100-continue'`)? Then the status comes before the body is sent."},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Read the rest of the body, or close in stages; or have clients send Expect: 100-continue, so that the refusal comes first."},
		{On: finding.Nginx, Do: "As an origin: close in stages (the default for bodies that nginx did not read).", Lines: "lingering_close always;\nlingering_time 30s;\nlingering_timeout 5s;"},
		{On: finding.Java, Do: "Tomcat swallows at most maxSwallowSize (2 MiB) and then resets.", Lines: `<!-- add to the Connector that is there -->
maxSwallowSize="104857600"`},
		{On: finding.Node, Do: "Let the rest run off before the connection is closed.", Lines: "req.resume(); res.writeHead(413); res.end()"},
		{On: finding.IIS, Do: "Authenticate with a small request first (HEAD), or raise the limit that refuses.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/security/requestFiltering /requestLimits.maxAllowedContentLength:104857600 /commit:apphost`},
	},
	Sources: []string{"RFC 9112 sections 9.3, 9.6", "RFC 9110 section 10.1.1"},
	Run:     runEarlyAnswer,
}

func runEarlyAnswer(c *check.Case) *check.Verdict {
	f := c.Flow
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if x.ResponseAt < 0 || x.RequestAt < 0 || x.Stream != 0 || x.Status() < 200 || f.Handshaken(x.RequestAt) {
			continue
		}
		early := x.RequestDone < 0 && f.Facts[x.RequestAt].Kind == fact.RequestHead || x.RequestDone > x.ResponseAt
		if !early && f.Reason != reason.WriteEarlyResponse {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.RequestAt, "the request begins"), f.Proof(x.ResponseAt, fmt.Sprintf("the origin answers %d while the body is on its way", x.Status()))}}
		how := endedEarly(f, x, v)
		if how == "" {
			continue
		}
		v.Summary = fmt.Sprintf("The origin answered %s with %d before it had the body, and %s.", x.Line(), x.Status(), how)
		return v
	}
	return nil
}

// endedEarly says who ended the connection before the body was there, with the proof; "" where nobody did.
func endedEarly(f *check.Flow, x *check.Exchange, v *check.Verdict) string {
	e := f.EndAfter(x.ResponseAt)
	switch {
	case e.At >= 0 && x.RequestDone >= 0 && e.At > x.RequestDone && f.Reason != reason.WriteEarlyResponse:
		return ""
	case e.At >= 0 && e.Side == fact.SideServer:
		reset := f.NextOf(fact.SideServer, x.ResponseAt, fact.TCPReset)
		switch {
		case reset >= 0:
			v.Proof = append(v.Proof, f.Proof(reset, "and resets the connection with the rest unread"))
			return "reset the connection with the rest unread; such an answer is easily lost"
		case f.Reason != reason.WriteEarlyResponse:
			return ""
		}
		v.Proof = append(v.Proof, f.Proof(e.At, "and closes"))
		v.Severity = finding.Info
		return "closed the connection; the answer came all the same"
	case f.Reason == reason.WriteEarlyResponse:
		v.Severity = finding.Info // the answer is there, and RFC 9112 section 9.5 says to stop
		if e.At < 0 {
			return "Lunette sent no more of it; the answer came all the same"
		}
		v.Proof = append(v.Proof, f.Proof(e.At, endName(e)))
		return "Lunette sent no more of it and ended the connection; the answer came all the same"
	}
	return ""
}
