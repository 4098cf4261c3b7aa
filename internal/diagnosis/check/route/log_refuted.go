package route

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

var logRefuted = check.Check{
	Code:     "origin.log_refuted",
	Title:    "a line of the origin's log says what this connection refutes; it is not believed",
	Severity: finding.Info,
	On:       []fact.Kind{fact.OriginLogged},
	Needs:    0,
	Text: `A line of the origin's log was joined to this connection, by the client's port and the time, and what was watched of the connection
rules it out: http.sys names a renegotiation on a connection that speaks TLS 1.3 or was answered, a timer on one that ended within a
second, Apache httpd a certificate that lacked for a page that it served. No cause rests on such a line.

Mostly the line is about another connection: the port was used before or after, by this proxy or behind the same NAT, or the clock of
the origin is off. It may also be no line of the server at all. Applications write into the error log, visitors choose what stands in
names of files, User-Agent, Referer and X-Forwarded-For, and a log that was copied together holds lines of several servers.`,
	Asks: []string{
		"Is the clock of the origin right (`w32tm /query /status`, `timedatectl`), and does --origin-log-zone name the zone of its error log?",
		"Is the log the one of the server that this connection reached, as that server wrote it?",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Give the log of this server for this minute, as it was written, and have its clock follow the same time as the proxy's."},
	},
	Sources: []string{"Microsoft KB820729 (HTTPERR reason phrases)", "RFC 8446 section 4.1.2 (no renegotiation in TLS 1.3)", "Apache httpd: ErrorLogFormat"},
	Run:     runLogRefuted,
}

func runLogRefuted(c *check.Case) *check.Verdict {
	f := c.Flow
	const most = 3
	v := &check.Verdict{Confidence: finding.Certain}
	for i := f.First(fact.OriginLogged); i >= 0 && len(v.Proof) < 2*most; i = f.Next(i, fact.OriginLogged) {
		why, by := f.Refuted(i)
		if why == "" {
			continue
		}
		l := f.Facts[i].Detail.(*fact.OriginLog)
		if v.Summary == "" {
			v.Summary = fmt.Sprintf("The origin's log says %s of this connection, which is not believed: %s.", l.Phrase, why)
		}
		v.Proof = append(v.Proof, f.Proof(i, fmt.Sprintf("the origin's log says %s (%s:%d)", l.Phrase, l.File, l.Line)), f.Proof(by, "against it: "+why))
	}
	if len(v.Proof) == 0 {
		return nil
	}
	return v
}
