package tcp

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// grace is what an end may take beyond two round trips to be an answer of the kernel, which did not read the request.
const grace = 50 * time.Millisecond

var keepAliveRace = check.Check{
	Code:      "tcp.keep_alive_race",
	Title:     "the origin ended a kept-alive connection, and the next request went out on it",
	Severity:  finding.Critical,
	Catalogue: []int{11},
	Refines:   []reason.Code{reason.ReadStaleReusedConnection, reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader, reason.WriteReset, reason.WriteEOF},
	On:        []fact.Kind{fact.ConnReused, fact.RequestHead, fact.RequestSent, fact.TLSApplicationData},
	Silences:  []finding.Code{"http1.closed_before_answer", "http1.reset_before_answer", "tls.no_close_notify", "http1.no_keep_alive", "client.gone"},
	Text: `The origin closes connections that lie idle for a while. When the proxy sends the next request at that very moment, **FIN and
request cross on the way**; the origin's kernel answers the request with RST, as nobody reads any more. The request was never seen
by the program. It strikes one request in some thousand, only on reused connections, more often with little traffic, and always
after the same idle time: that of the origin (Node.js 5 s, Apache httpd 5 s, Tomcat 20 s, Jetty 30 s, nginx 75 s, IIS 120 s). A
client that does not look at its connections before it uses them may send long after the FIN: no race, and the same mend.

Elsewhere: nginx *upstream prematurely closed connection while reading response header from upstream* and 502; HAProxy **SH**; Go
retries GET by itself, and says *EOF* or *http: server closed idle connection* for POST; Envoy **UC** with
*upstream_reset_before_response_started{connection_termination}*; AWS load balancers 502 with a target time of -1.

Told apart from a program that dies on this request (http1.closed_before_answer, http1.reset_before_answer): there the end comes
after the request was read, later than a round trip, and the same request fails on a fresh connection too. Told apart from a server
that takes one request only (tcp.one_request_per_connection) by an idle time of a second or more. Told apart from a
forgotten connection (tcp.half_open): there is no FIN, and the idle time fits no timer of the origin's.`,
	Asks: []string{
		"What is the origin's idle timeout, and is the proxy's shorter",
		"Do the failures all lie on reused connections, with the same idle time: the access log tells it of each attempt",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Close idle connections before the origin does; requests that are not idempotent are not sent again by themselves.",
			Lines: "origin:\n  timeouts: {keepalive_idle: 4s}\n  retries: 2"},
		{On: finding.Node, Do: "Keep connections longer than the proxy does; headersTimeout must be longer still.", Lines: "server.keepAliveTimeout = 65000\nserver.headersTimeout = 66000"},
		{On: finding.Apache, Do: "Keep connections longer than the proxy does; with the event module idle ones cost little.", Lines: "KeepAlive On\nKeepAliveTimeout 65\nMaxKeepAliveRequests 0"},
		{On: finding.Nginx, Do: "Keep connections longer than the proxy does, and do not end them after so many requests.", Lines: "keepalive_timeout 75s;\nkeepalive_requests 10000;"},
		{On: finding.Java, Do: "Keep connections longer than the proxy does.", Lines: `<!-- add to the Connector that is there -->
keepAliveTimeout="65000" maxKeepAliveRequests="-1"`},
		{On: finding.IIS, Do: "The default of 120 s is long; look whether it was shortened.",
			Lines: ":: cmd, as administrator\n%windir%\\system32\\inetsrv\\appcmd.exe set config -section:system.applicationHost/sites \"/[name='SITE'].limits.connectionTimeout:00:02:00\" /commit:apphost"},
	},
	Sources: []string{"RFC 9112 sections 9.3.1 and 9.5", "Node.js: server.keepAliveTimeout", "Apache: KeepAliveTimeout", "jetty#2306", "ingress-nginx#11244"},
	Run:     runKeepAliveRace,
}

func runKeepAliveRace(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := unansweredReuse(f)
	if !ok {
		return nil
	}
	end := endedBy(f, fact.SideServer, r.served)
	served, failed := fresh(c, r.line)
	if !r.sealed && r.idle < shortestTimer {
		return nil // no idle timer is that short
	}
	if left := endedBy(f, fact.SideClient, r.asked); end < 0 || left >= 0 && left < end || failed != nil || forgotten(f, r, end) {
		return nil
	}
	after := f.Since(r.asked, end)
	trip := roundTrip(f)
	crossed := after < 0 || end < r.asked || trip > 0 && after < trip
	if !crossed && after > patience(trip) {
		return nil // long enough to have read it
	}
	v := &check.Verdict{Confidence: finding.Likely, Settle: "send the same request on a fresh connection, and compare idle times of further failures",
		Proof: []finding.Proof{f.Proof(r.asked, "a further request goes out, after "+finding.Span(r.idle)+" of idleness"), f.Proof(end, "the server ends the connection: "+endWord(f, end))}}
	switch {
	case end < r.asked && f.Since(end, r.asked) > patience(trip):
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary = fmt.Sprintf("The server ended the connection after %s of idleness, and the client sent a request on it %s later, when it had long been told: it does not look at its connections before it uses them.",
			finding.Span(f.Since(r.served, end)), finding.Span(f.Since(end, r.asked)))
	case end < r.asked:
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary = fmt.Sprintf("The server had ended the connection %s before the request went out on it, after %s of idleness.", finding.Span(f.Since(end, r.asked)), finding.Span(r.idle))
	case crossed && f.Facts[end].Kind != fact.TCPReset:
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary = fmt.Sprintf("Request and end crossed: it came %s after the request, and a round trip takes %s; the connection had been idle for %s.", finding.Span(after), finding.Span(trip), finding.Span(r.idle))
	default:
		v.Summary = fmt.Sprintf("On a connection that had served before and lay idle for %s the server answered the next request with its end, after %s.", finding.Span(r.idle), finding.Span(after))
	}
	if r.sealed {
		v.Confidence, v.Settle = finding.Likely, "decrypt it: was this a request"
		if h, _ := f.Hello(); f.Version() >= 0x0304 || h == nil || len(h.ALPN) > 1 {
			v.Confidence = finding.Possible
		}
	}
	if served != nil {
		x := served.Exchanges()[0]
		if crossed || len(check.Timers(r.idle)) > 0 {
			v.Confidence, v.Settle = finding.Certain, ""
		}
		v.Summary += fmt.Sprintf(" The same request was answered on a fresh connection (%d).", x.Status())
		v.Proof = append(v.Proof, f.ProofOf(served, x.ResponseAt, fmt.Sprintf("the same request, on a fresh connection: %d", x.Status())))
		if served.Start.After(f.Start) {
			v.Severity = finding.Warning
		}
	}
	kept := r.idle
	if end < r.asked {
		kept = f.Since(r.served, end)
	}
	v.Mends, v.Without = mendIdle(kept), []finding.System{finding.Lunette}
	return v
}

// mendIdle lets Lunette close idle connections before the origin does, which kept this one for a time.
func mendIdle(kept time.Duration) []finding.Mend {
	idle := (kept * 2 / 3).Truncate(time.Second)
	if idle < time.Second {
		idle = (kept / 2).Truncate(100 * time.Millisecond)
	}
	lines := "origin:\n  timeouts: {keepalive_idle: " + idle.String() + "}\n  retries: 2"
	return []finding.Mend{{On: finding.Lunette, Do: "Close idle connections before the origin does, which kept this one for " + finding.Span(kept) + "; requests that are not idempotent are not sent again by themselves.",
		Lines: lines}}
}

// patience is how long after a request an end may come that is no answer to it. On a connection that was opened in another exchange
// the round trip is not known.
func patience(trip time.Duration) time.Duration {
	if trip == 0 {
		return 5 * grace
	}
	return 2*trip + grace
}

// roundTrip is that of the handshake of TCP, 0 where it was not seen.
func roundTrip(f *check.Flow) time.Duration {
	if i := f.First(fact.TCPConnected); i >= 0 {
		return time.Duration(f.Facts[i].Size)
	}
	return 0
}

func endWord(f *check.Flow, i int) string {
	switch x := &f.Facts[i]; x.Kind {
	case fact.TCPReset:
		return "RST"
	case fact.TCPClosed:
		return "FIN"
	case fact.TLSAlert:
		return "alert " + x.Text
	}
	return "an alert"
}
