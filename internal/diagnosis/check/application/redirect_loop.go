package application

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// A loop goes round at least loopRounds times within loopTime; manyRounds where it may also be several users who are sent to https.
const (
	loopRounds = 3
	manyRounds = 6
	loopTime   = 30 * time.Second
)

var redirectLoop = check.Check{
	Code:      "origin.redirect_loop",
	Title:     "the origin redirects to the address that was asked for",
	Severity:  finding.Critical,
	Catalogue: []int{76},
	Refines:   []reason.Code{reason.OriginStatusUnexpected},
	On:        []fact.Kind{fact.ResponseHead},
	Needs:     check.Plain,
	Text: `The answer is a redirect (301, 302, 303, 307, 308) whose Location is what the browser has just asked for; it asks again, and after
some twenty rounds says ERR_TOO_MANY_REDIRECTS. No server logs an error: each answer is a fast 30x.

Nearly always the origin believes that the client speaks http: TLS ended at the proxy, the leg to the origin is plain http (or it
looks at a field that is missing), so the rule "redirect to https" applies again and again. The same happens between names: the
proxy sends one Host (its own name for the origin), the origin has a canonical name and redirects to it. Application frameworks do
it too: ASP.NET Core UseHttpsRedirection without ForwardedHeaders, Tomcat without RemoteIpValve, WordPress with siteurl on https,
Spring requiresSecure.

A redirect from http to https is healthy once. One that sets a cookie and comes back to the same address is a test for cookies,
and a loop only where the cookie does not return. One in which the path or the host changes is none. This is told when the address
really repeats, or when the request says that the client already was on that address (X-Forwarded-Proto).`,
	Asks: []string{"Follow it: `curl -skIL --max-redirs 5 --resolve {host}:{port}:{ip} https://{host}/PATH -H 'X-Forwarded-Proto: https'`, then without that field. Does the loop end with it?"},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Let the rewrite rule look at the forwarded scheme; trust that field from the proxy's address only.",
			Lines: `<conditions><add input="{HTTP_X_FORWARDED_PROTO}" pattern="^https$" negate="true" /><add input="{HTTPS}" pattern="off" /></conditions>`},
		{On: finding.Nginx, Do: "As an origin: decide by the forwarded scheme.", Lines: "if ($http_x_forwarded_proto = http) { return 301 https://$host$request_uri; }"},
		{On: finding.Apache, Do: "Decide by the forwarded scheme.", Lines: "RewriteCond %{HTTP:X-Forwarded-Proto} !=https\nRewriteCond %{HTTPS} !=on\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]"},
		{On: finding.Java, Do: "Let Tomcat take scheme and address from the proxy.", Lines: `<Valve className="org.apache.catalina.valves.RemoteIpValve" protocolHeader="X-Forwarded-Proto" />`},
		{On: finding.Node, Do: "Let Express believe the proxy.", Lines: "app.set('trust proxy', 'WAF-ADDRESS')"},
		{On: finding.Lunette, Do: "Speak TLS to the origin, and send the name that it wants.", Lines: "origin:\n  urls: [\"https://{ip}\"]\n  host: \"{host}\"\n  tls:\n    server_name: \"{host}\""},
	},
	Sources: []string{"RFC 9110 sections 15.4, 10.2.2", "RFC 7239 section 5.4"},
	Run:     runRedirectLoop,
}

func runRedirectLoop(c *check.Case) *check.Verdict {
	f := c.Flow
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		what, forwarded := selfRedirect(f, x)
		if what == "" {
			continue
		}
		rounds := loopsAround(c, x, f.Facts[x.ResponseAt].At)
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("%d with Location %s", x.Status(), check.Short(check.Field(x.Response, "Location"), 100)))},
			Summary: fmt.Sprintf("%s at %s is answered with %d to %s.", x.Line(), authority(x), x.Status(), what)}
		cookie := check.HasField(x.Response, "Set-Cookie") && !check.HasField(x.Request, "Cookie")
		switch {
		case forwarded && rounds >= loopRounds, rounds >= manyRounds:
			if !forwarded {
				v.Confidence, v.Settle = finding.Likely, "follow it from outside, over https: when the same Location comes again, it is a loop"
			}
			v.Summary = strings.TrimSuffix(v.Summary, ".") + fmt.Sprintf("; that happened %d times within %s.", rounds, finding.Span(loopTime))
		case forwarded && !cookie:
			told := "the request says that the client speaks https already"
			if !check.HasField(x.Request, "X-Forwarded-Proto") {
				told = "the request asks for this very address"
			}
			v.Proof = append(v.Proof, f.Proof(x.RequestAt, told))
			if o, at := askedAgain(c, x); o != nil {
				v.Proof = append(v.Proof, f.ProofOther(&o.Facts[at], "asked for that address again, the origin answers with the same Location"))
				break
			}
			v.Confidence, v.Settle = finding.Likely, "follow it: when the same Location comes again, it is a loop"
		default:
			continue
		}
		return v
	}
	return nil
}

// selfRedirect says how an answer redirects to what was asked for, "" where it does not; forwarded: the scheme of the client is known by
// what the request says, and is that of Location.
func selfRedirect(f *check.Flow, x *check.Exchange) (what string, forwarded bool) {
	switch x.Status() {
	case 301, 302, 303, 307, 308:
	default:
		return "", false
	}
	if x.Request == nil || x.ResponseAt < 0 || x.RequestAt < 0 || x.Request.Method != "GET" && x.Request.Method != "HEAD" {
		return "", false
	}
	location := check.Field(x.Response, "Location")
	to, rest, absolute := strings.Cut(location, "://")
	if !absolute {
		if location == "" || location != x.Request.Target {
			return "", false
		}
		return "the same address", true
	}
	host, path, _ := strings.Cut(rest, "/")
	if path = "/" + path; bareHost(strings.ToLower(host)) != authority(x) || path != x.Request.Target {
		return "", false
	}
	leg := "http"
	if f.Has(fact.TLSClientHello) || x.Request.Scheme == "https" {
		leg = "https"
	}
	client := strings.ToLower(check.Field(x.Request, "X-Forwarded-Proto"))
	if client != "" && client != to && strings.EqualFold(to, "https") {
		return "", false // he came over http, and is sent to https as he should
	}
	what = "the same address"
	if to = strings.ToLower(to); to != leg {
		what = "the same address with " + to + ", while the way to the origin is " + leg
	}
	return what, client == to || client == "" && to == leg && leg == "https"
}

// askedAgain is a connection on which a probe asked for the same once more and was sent to the same place, with the index of the answer; nil
// and -1 without.
func askedAgain(c *check.Case, x *check.Exchange) (*check.Flow, int) {
	for _, o := range c.Others {
		if o.Purpose == "" || o.Server != c.Flow.Server {
			continue
		}
		for i := range o.Exchanges() {
			y := &o.Exchanges()[i]
			if y.Request != nil && y.ResponseAt >= 0 && y.Request.Method == x.Request.Method && y.Request.Target == x.Request.Target && authority(y) == authority(x) &&
				y.Status() == x.Status() && check.Field(y.Response, "Location") == check.Field(x.Response, "Location") {
				return o, y.ResponseAt
			}
		}
	}
	return nil, -1
}

// loopsAround counts answers like that of x, in all connections, near a moment.
func loopsAround(c *check.Case, x *check.Exchange, at time.Time) int {
	n := 0
	for f := range c.Flows {
		if f.Purpose != "" {
			continue
		}
		for i := range f.Exchanges() {
			y := &f.Exchanges()[i]
			if y.Request == nil || y.ResponseAt < 0 || y.Status() != x.Status() || y.Request.Target != x.Request.Target || authority(y) != authority(x) ||
				check.Field(y.Response, "Location") != check.Field(x.Response, "Location") || !sameAsker(x.Request, y.Request) {
				continue
			}
			if d := f.Facts[y.ResponseAt].At.Sub(at).Abs(); d <= loopTime {
				n++
			}
		}
	}
	return n
}

// sameAsker reports whether two requests may be of one client: all fields that tell clients apart are alike.
func sameAsker(a, b *fact.HTTPHead) bool {
	for _, name := range [...]string{"User-Agent", "Accept-Language", "X-Forwarded-For", "Forwarded", "Referer"} {
		if check.Field(a, name) != check.Field(b, name) {
			return false
		}
	}
	return true
}
