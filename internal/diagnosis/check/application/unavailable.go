package application

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var unavailable = check.Check{
	Code:      "origin.unavailable",
	Title:     "the origin's server is up, and what should answer behind it is not",
	Severity:  finding.Critical,
	Catalogue: []int{78},
	Refines:   []reason.Code{reason.OriginStatus5xx},
	On:        []fact.Kind{fact.ResponseHead, fact.OriginLogged},
	Silences:  []finding.Code{"http1.slow_first_byte"},
	Text: `Something answers, quickly and correctly, that it cannot serve: 503, or, from an origin that is itself a proxy, 502 and 504. TCP,
TLS and HTTP between here and there are fine.

On IIS a 503 with Server: Microsoft-HTTPAPI/2.0 comes from the kernel (http.sys), not from a site: the application pool is
stopped, was switched off after it had crashed five times in five minutes (rapid-fail protection), has a wrong password for its
account, its queue is full (1000 by default), or a connection limit was met. The site's log has nothing; HTTPERR has AppOffline,
QueueFull, ConnLimit, Disabled, AppShutdown or AppPoolTimer. Elsewhere 503 is what HAProxy says without a live server (**SC**),
Envoy with UH or UO, Apache's mod_proxy while a worker is in error state (AH00940), Kubernetes' ingress without endpoints, a page
of maintenance.

A 502 or 504 from the origin means that there is one more leg behind it, with the same kinds of fault, to be looked at from there.

Retry-After makes maintenance or overload likely; fields of a rate limit point to origin.rate_limited. A 500 is the application's
own error and is not told here.`,
	Asks: []string{
		"On IIS: `%windir%\\system32\\inetsrv\\appcmd list apppool /state:Stopped`, and `findstr /s \"AppOffline QueueFull ConnLimit Disabled\" %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`",
		"Is the origin a proxy? Then its own error log says why its own upstream failed at that second.",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "See in the System log (WAS 5002, 5021, 5057, 5059) why the pool stopped, and start it. Where HTTPERR says QueueFull: find what makes it slow before the queue (queueLength) is made longer.",
			Lines: `# PowerShell, as administrator
Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Microsoft-Windows-WAS'} -MaxEvents 20
& $env:windir\system32\inetsrv\appcmd.exe list apppool
& $env:windir\system32\inetsrv\appcmd.exe start apppool "POOL"`},
		{On: finding.Nginx, Do: "On an origin that runs nginx, see which of its upstreams is down.", Lines: "grep -E 'no live upstreams|connect\\(\\) failed|upstream timed out' /var/log/nginx/error.log"},
		{On: finding.Apache, Do: "See what mod_proxy says, and shorten the time for which it leaves a worker alone.", Lines: "grep -E 'AH00940|AH00957|AH01114' /var/log/apache2/error.log\nProxyPass / http://127.0.0.1:8080/ retry=5"},
		{On: finding.Java, Do: "See whether the application was deployed and started.", Lines: "grep -E 'startup failed|SEVERE' $CATALINA_BASE/logs/catalina.out"},
		{On: finding.Lunette, Do: "Take a server that answers so out by a check of its health, where there are several.", Lines: "origin:\n  health:\n    path: /healthz\n    status: 200-399"},
	},
	Sources: []string{"RFC 9110 sections 15.6.3 to 15.6.5", "Microsoft KB820729 (HTTPERR reason phrases)"},
	Run:     runUnavailable,
}

func runUnavailable(c *check.Case) *check.Verdict {
	f := c.Flow
	line, l := logged(f, "AppOffline", "QueueFull", "ConnLimit", "Disabled", "AppShutdown", "AppPoolTimer", "Connections_Refused")
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		s := x.Status()
		if x.ResponseAt < 0 || s < 502 || s > 504 {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, answered(x))}}
		switch {
		case s == 503 && l != nil:
			v.Proof = append(v.Proof, f.Proof(line, "http.sys wrote "+l.Phrase))
			v.Summary = fmt.Sprintf("http.sys answered %s with 503: %s.", x.Line(), l.Phrase)
		case s == 503 && byHTTPSys(x):
			v.Proof[0].Text += ", from http.sys itself (Server: " + check.Short(check.Field(x.Response, "Server"), 100) + ")"
			v.Summary = fmt.Sprintf("http.sys answered %s with 503 in the place of the site: its application pool is stopped or full%s.", x.Line(), beside(c, 503))
		case s == 503:
			v.Summary = fmt.Sprintf("The origin answered %s with 503 (Service Unavailable)%s%s.", x.Line(), retryAfter(x), beside(c, 503))
		default:
			v.Summary = fmt.Sprintf("Who answered %s with %d is a gateway itself, and the server behind it failed.", x.Line(), s)
		}
		return v
	}
	return nil
}

func retryAfter(x *check.Exchange) string {
	if after := check.Field(x.Response, "Retry-After"); after != "" {
		return ", Retry-After: " + check.Short(after, 100)
	}
	return ""
}
