package route

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// near is how far a check of health may lie from a failure to be called simultaneous.
const near = 2 * time.Minute

var healthCheckBlind = check.Check{
	Code:      "config.health_check_blind",
	Title:     "the checks of health are good while requests fail",
	Severity:  finding.Info,
	Catalogue: []int{87},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.TLSRenegotiationRefused, reason.TLSClientCertRequired, reason.OriginStatus5xx},
	On:        []fact.Kind{fact.HealthChecked},
	Text: `The check asks for one path, often / or a static page, in a connection of its own, with its own Host and no body, and finds the
server well. Requests take other ways: a folder that wants a client certificate (after the request, by a HelloRequest), an
application pool of its own, a database behind one path, uploads, HTTP/2. So the load balancer keeps a server in service on which
every real request fails, and its dashboard is green.

In nginx and HAProxy the server stays UP while the log is full of 502; Azure Application Gateway and AWS target groups call it
Healthy; Kubernetes' readiness probe passes. The reverse happens as well: a check with the wrong Host gets 404 and takes a healthy
server out.

This page is about the check and not about the fault: the cause of the failures stands beside it, as a finding of its own. What is
needed to say it are checks of health and failures of other paths on the same server, at about the same time.`,
	Asks: []string{"Which path, Host and method does the check use, and which do the requests that fail?"},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Check a path that needs what requests need; keep passive checks on, which watch the traffic itself.",
			Lines: "origin:\n  health:\n    path: /app/healthz\n    status: 200-299\n    passive:\n      failures: 3"},
		{On: finding.Origin, Do: "Offer a path that tries what the application needs (database, session store) and sits in the same folder, with the same settings of TLS."},
		{On: finding.Nginx, Do: "Where nginx is in between, let failures of requests count.", Lines: "server {origin} max_fails=3 fail_timeout=10s;\nproxy_next_upstream error timeout http_502 http_503;"},
	},
	Sources: []string{"nginx: ngx_http_upstream_module, max_fails", "HAProxy: option httpchk"},
	Run:     runHealthCheckBlind,
}

func runHealthCheckBlind(c *check.Case) *check.Verdict {
	f := c.Flow
	failedAt, line := failure(f)
	if failedAt.IsZero() {
		return nil
	}
	var well *fact.Fact
	for _, h := range c.Around(fact.HealthChecked) {
		d := h.At.Sub(failedAt).Abs()
		switch {
		case d > near:
		case h.Code < 200 || h.Code >= 400:
			return nil // the check saw it as well
		case well == nil || d < well.At.Sub(failedAt).Abs():
			well = h
		}
	}
	if well == nil {
		return nil
	}
	failed := 1
	for _, o := range c.Others {
		if at, l := failure(o); !at.IsZero() && at.Sub(failedAt).Abs() <= near && l == line {
			failed++
		}
	}
	path := strings.TrimSpace(well.Text)
	if failed < 2 || path != "" && strings.HasSuffix(line, " "+path) {
		return nil // one failure is no blindness, and the checked path itself is seen
	}
	return &check.Verdict{Confidence: finding.Certain,
		Summary: fmt.Sprintf("The check of health (%s) got %d while %d connections failed with %s: it does not see what requests need.", check.Short(path, 120), well.Code, failed, line),
		Proof:   []finding.Proof{f.ProofOther(well, fmt.Sprintf("%s is answered with %d", check.Short(path, 120), well.Code)), f.Proof(len(f.Facts)-1, line+" fails")}}
}

// failure is when and with which request a connection failed; zero where it did not.
func failure(f *check.Flow) (time.Time, string) {
	if len(f.Facts) == 0 {
		return time.Time{}, ""
	}
	if p := f.Pending(); p != nil && p.Sure {
		if w := f.WaitOf(p); w.Timer != "" || w.End.At >= 0 && w.End.Side == fact.SideServer || f.Next(p.At, fact.TLSHelloRequest) >= 0 {
			return w.End.Time, p.Line()
		}
	}
	all := f.Exchanges()
	if n := len(all); n > 0 && all[n-1].Status() >= 502 {
		return f.Facts[all[n-1].ResponseAt].At, all[n-1].Line()
	}
	if f.Reason != "" && f.Reason != reason.ClientGone && !strings.HasPrefix(string(f.Reason), "waf.") && !strings.HasPrefix(string(f.Reason), "client.") {
		line := "the request"
		if n := len(all); n > 0 {
			line = all[n-1].Line()
		}
		return f.End, line
	}
	return time.Time{}, ""
}
