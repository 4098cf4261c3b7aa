package tcp

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// shortestTimer is what no idle timer of a server is below: they are set in whole seconds.
const shortestTimer = time.Second

var oneRequestPerConnection = check.Check{
	Code:     "tcp.one_request_per_connection",
	Title:    "the origin answers on a connection and ends it when another request comes on it",
	Severity: finding.Critical,
	Refines:  []reason.Code{reason.ReadStaleReusedConnection, reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader, reason.WriteReset, reason.WriteEOF},
	On:       []fact.Kind{fact.ConnReused, fact.RequestHead, fact.RequestSent, fact.TLSApplicationData},
	Silences: []finding.Code{"http1.closed_before_answer", "http1.reset_before_answer", "tls.no_close_notify", "http1.no_keep_alive", "client.gone"},
	Text: `The origin answers, says nothing of closing (no *Connection: close*), and ends the connection with FIN or RST when the next request
comes on it, however soon. HTTP/1.1 keeps connections unless somebody says otherwise (RFC 9112 section 9.3), so the proxy is right to
send the next request there. It is seen with small servers in devices, with programs whose second turn of the loop fails, and with a
balancer behind the origin's address that forwards one request for each connection.

A browser or curl asks once and is content; the proxy, which keeps connections, fails on every second request, or on none where it
repeats GET by itself. nginx prints *upstream prematurely closed connection while reading response header* or *Connection reset by
peer*, HAProxy **SH**, Go *EOF*.

Told apart from the keep-alive race (tcp.keep_alive_race) by the idle time: no idle timer of a server is shorter than a second. Told
apart from a request that the program dies on (http1.closed_before_answer, http1.reset_before_answer) by a fresh connection, on which
the same request is answered.`,
	Asks: []string{
		"Does it happen on every second request: `curl -sv http://{origin}/ http://{origin}/` asks twice on one connection",
		"What does the program log when the second request comes",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Use a new connection for each request. Each then costs a handshake.", Lines: "origin:\n  timeouts: {keepalive_idle: 0s}"},
		{On: finding.Origin, Do: "Have it say so: an answer with \"Connection: close\" is never followed by a request. Better, have it keep connections."},
		{On: finding.Nginx, Do: "As a proxy in front of such an origin: remove keepalive from the upstream block, so that each request gets a connection.",
			Lines: "proxy_http_version 1.1;\nproxy_set_header Connection close;"},
		{On: finding.Apache, Do: "As a proxy in front of such an origin: do not reuse connections.", Lines: "ProxyPass \"/\" \"https://{origin}/\" disablereuse=on"},
	},
	Sources: []string{"RFC 9112 sections 9.3 and 9.6", "nginx: ngx_http_upstream_module, keepalive", "Apache: mod_proxy, disablereuse"},
	Run:     runOneRequest,
}

func runOneRequest(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := unansweredReuse(f)
	if !ok || r.sealed || r.idle >= shortestTimer {
		return nil
	}
	end := endedBy(f, fact.SideServer, r.served)
	served, failed := fresh(c, r.line)
	if left := endedBy(f, fact.SideClient, r.asked); end < 0 || left >= 0 && left < end || failed != nil {
		return nil
	}
	if after := f.Since(r.asked, end); after > patience(roundTrip(f)) {
		return nil // long enough to have worked on it
	}
	hidden := f.Has(fact.ConnReused) // what was asked before on it is another exchange's, and not seen here
	if served == nil && !repeats(f, r.line) && end > r.asked && !hidden {
		return nil // it may be this request
	}
	again := sameEnd(c)
	v := &check.Verdict{Confidence: finding.Likely, Settle: "two requests on another connection: does the second one fail too",
		Proof: []finding.Proof{f.Proof(r.asked, "a further request goes out, after "+finding.Span(r.idle)+" of idleness"), f.Proof(end, "the server ends the connection: "+endWord(f, end))}}
	v.Summary = fmt.Sprintf("The origin had answered on the connection, and ended it %s after the next request went out; it had lain idle for %s, and no idle timer is that short.",
		finding.Span(f.Since(r.asked, end)), finding.Span(r.idle))
	if hidden && served == nil {
		v.Settle = "the same request on a fresh connection: if it fails there too, it is this request"
	}
	if end < r.asked {
		v.Summary = fmt.Sprintf("The origin answered and ended the connection %s before the next request went out on it; it had lain idle for %s, and no idle timer is that short.",
			finding.Span(f.Since(end, r.asked)), finding.Span(r.idle))
	}
	if again != nil && (served != nil || repeats(f, r.line)) {
		v.Confidence, v.Settle = finding.Certain, ""
		v.Proof = append(v.Proof, f.ProofOther(&again.Facts[endedBy(again, fact.SideServer, -1)], "so it ended on another connection, at the second request"))
	}
	if served != nil {
		x := served.Exchanges()[0]
		v.Summary += fmt.Sprintf(" The same request was answered on a fresh connection (%d).", x.Status())
		v.Proof = append(v.Proof, f.ProofOf(served, x.ResponseAt, fmt.Sprintf("the same request, on a fresh connection: %d", x.Status())))
		if served.Start.After(f.Start) {
			v.Severity = finding.Warning
		}
	}
	return v
}

// repeats reports whether the same request was answered before on this connection: then it is not the request.
func repeats(f *check.Flow, line string) bool {
	for i := range f.Exchanges() {
		if x := &f.Exchanges()[i]; line != "" && line != "the request" && x.Line() == line && x.Status() >= 200 && x.Status() < 500 {
			return true
		}
	}
	return false
}

// sameEnd is another connection to the same server that ended so, nil without.
func sameEnd(c *check.Case) *check.Flow {
	for _, o := range c.Others {
		r, ok := unansweredReuse(o)
		if !ok || r.sealed || o.Server != c.Flow.Server || twin(c.Flow, o) || r.idle >= shortestTimer || endedBy(o, fact.SideServer, -1) < 0 || endedBy(o, fact.SideServer, r.served) < 0 {
			continue
		}
		if o.Since(r.asked, endedBy(o, fact.SideServer, r.served)) <= patience(roundTrip(o)) {
			return o
		}
	}
	return nil
}

// twin reports whether o may be f once more, as a capture before and behind a NAT, or of two interfaces, has it.
func twin(f, o *check.Flow) bool {
	const apart = 10 * time.Millisecond
	a, _ := f.Hello()
	b, _ := o.Hello()
	if a != nil && b != nil && a.Random != "" && b.Random != "" {
		return a.Random == b.Random
	}
	return f.Client == o.Client || o.Start.Sub(f.Start).Abs() < apart
}
