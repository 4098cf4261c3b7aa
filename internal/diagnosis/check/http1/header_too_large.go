package http1

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var headerTooLarge = check.Check{
	Code:      "http1.header_too_large",
	Title:     "the head of the answer is larger than the proxy takes",
	Severity:  finding.Critical,
	Catalogue: []int{64},
	Refines:   []reason.Code{reason.HTTP1HeaderTooBig},
	On:        []fact.Kind{fact.HTTPBroken, fact.ResponseHead, fact.FirstByte},
	Text: `The origin's status line and fields together exceed what the proxy buffers for them. Nearly always it is cookies: one more
Set-Cookie on every answer, a session kept in the cookie itself, single sign-on tokens cut into several cookies; else a
Content-Security-Policy or a Link field that grew, or debug fields of a framework.

There is no limit in RFC 9110; each product has its own. nginx takes one memory page (4 or 8 KiB, proxy_buffer_size) and prints
*upstream sent too big header while reading response header from upstream*; HAProxy tune.bufsize (16 KiB) and logs **PH**; Go's
client 1 MiB; Envoy 60 KiB (**UPE** or *headers_too_large*); Cloudflare 128 KiB (520). So one proxy fails where another, or direct
access, does not; and it starts with a user whose cookies are many, not with a deployment.

When it is the request that is too large for the origin, it answers 431, 414 or 400: see http1.request_header_too_large.`,
	Asks: []string{
		"How large is it: `curl -sD - -o /dev/null --resolve {host}:{port}:{ip} https://{host}/PATH | wc -c`, with the cookies of a user for whom it fails.",
		"Which field grows: `curl -sD - -o /dev/null --resolve {host}:{port}:{ip} https://{host}/PATH | awk '{print length, $1}' | sort -n | tail`",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Take larger heads from this origin; each connection may then hold that much memory.", Lines: "origin:\n  max_header: 512KiB"},
		{On: finding.Origin, Do: "Keep sessions on the server and send their number only; do not set the same cookie on every answer; drop debug fields."},
		{On: finding.Nginx, Do: "Where nginx is the proxy in between, give it a larger buffer.", Lines: "proxy_buffer_size 16k;\nproxy_buffers 8 16k;\nproxy_busy_buffers_size 32k;"},
		{On: finding.IIS, Do: "Look for modules that chunk cookies (WIF, OWIN); keep their content on the server (SessionStore, ticket reference).",
			Lines: `# PowerShell, as administrator
findstr /s /i /c:"cookieHandler" /c:"customHeaders" C:\inetpub\wwwroot\web.config`},
		{On: finding.Java, Do: "Tomcat itself refuses to send more than maxHttpResponseHeaderSize (8 KiB); that it is sent means it was raised.", Lines: `<!-- add to the Connector that is there -->
maxHttpResponseHeaderSize="16384"`},
	},
	Sources: []string{"RFC 9110 section 5.4", "nginx: ngx_http_proxy_module, proxy_buffer_size"},
	Run:     runHeaderTooLarge,
}

func runHeaderTooLarge(c *check.Case) *check.Verdict {
	f := c.Flow
	if f.Reason == reason.HTTP1HeaderTooBig {
		if at := f.Last(fact.FirstByte, fact.ResponseHead, fact.RequestHead, fact.RequestSent); at >= 0 {
			return &check.Verdict{Confidence: finding.Certain, Summary: "The head of the answer is larger than the limit: " + orNone(f.Detail, "see origin.max_header") + ".",
				Proof: []finding.Proof{f.Proof(at, "the attempt ended as "+string(f.Reason)+" "+f.Detail)}}
		}
	}
	i := brokenBy(f, fact.SideServer, -1, func(text string) bool {
		return strings.HasPrefix(text, "head over ") || strings.Contains(text, "are not shown (RFC 9110 5.4)")
	})
	if i < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Severity: finding.Warning, Proof: []finding.Proof{f.Proof(i, f.Facts[i].Text)},
		Summary: fmt.Sprintf("The head of the answer to %s is beyond what proxies take: %s.", lineAt(f, i), f.Facts[i].Text)}
	if !proven(f) {
		v.Confidence, v.Settle = finding.Possible, "capture again without losses"
	}
	return v
}
