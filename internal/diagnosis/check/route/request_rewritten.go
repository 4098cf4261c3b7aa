package route

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var requestRewritten = check.Check{
	Code:      "config.request_rewritten",
	Title:     "the proxy asks for something else than the client does",
	Severity:  finding.Critical,
	Catalogue: []int{86},
	Refines:   []reason.Code{reason.OriginStatus4xx, reason.OriginStatusUnexpected},
	On:        []fact.Kind{fact.ResponseHead},
	Needs:     check.Plain | check.Others,
	Text: `Through the proxy the answer is 404, 301 or 400; directly it is the page. Both are right: they were asked for different things.
The proxy changed the path, the query, the escaping or the Host on the way.

The classic is one slash. In nginx, *location /app/ { proxy_pass http://origin/; }* replaces /app/ by /, and *proxy_pass
http://origin;* keeps it; with a variable in proxy_pass nothing is replaced and the whole must be written out. Apache's ProxyPass
/app http://origin/ turns /app/x into //x. A %2F that is decoded becomes a slash, a + or a %20 a space, and signatures over the
URL (S3, OAuth) fail with 403. A Host that is rewritten brings another site (origin.host_unknown) or a redirect to another name.
An IIS rewrite rule or an application under a virtual directory adds its own part of the path once more.

It is seen by setting the two requests side by side, byte for byte, which is what a comparison does: the first line, Host, and the
fields that one has and the other lacks (X-Forwarded-Proto, Accept-Encoding, Cookie). Where the two requests are alike, the
difference is not here.`,
	Asks: []string{"Compare a flow that works with one that does not: `lunette explain ABNORMAL --compare NORMAL`, with the secrets of both."},
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "Write the slash on both sides or on none.", Lines: "location /app/ { proxy_pass https://origin.test/app/; }\n# or, with the path kept as it is:\nlocation /app/ { proxy_pass https://origin.test; }"},
		{On: finding.Apache, Do: "Write the slash on both sides or on none, and leave escaping alone.", Lines: "ProxyPass /app/ https://origin.test/app/ nocanon\nAllowEncodedSlashes NoDecode"},
		{On: finding.IIS, Do: "Look at the rewrite rules, in the order in which they apply.", Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config "SITE" -section:system.webServer/rewrite/rules`},
		{On: finding.Lunette, Do: "Lunette passes path and query on as they came; Host can be set.", Lines: "origin:\n  host: \"{host}\""},
	},
	Sources: []string{"nginx: ngx_http_proxy_module, proxy_pass", "Apache: mod_proxy, ProxyPass nocanon", "RFC 3986 section 6.2.2", "RFC 9110 section 7.7"},
	Run:     runRequestRewritten,
}

func runRequestRewritten(c *check.Case) *check.Verdict {
	f := c.Flow
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if s := x.Status(); x.Request == nil || x.RequestAt < 0 || s != 404 && s != 400 && s != 403 && s != 405 && (s < 301 || s > 308 || s == 304) {
			continue
		}
		o, y := counterpart(c, x)
		if o == nil {
			continue
		}
		what, at := difference(x.Request, y.Request)
		if what == "" {
			continue
		}
		return &check.Verdict{Confidence: finding.Likely, Settle: "send both requests directly to the origin, and see whether the answers follow the difference",
			Summary: fmt.Sprintf("%s is answered with %d, and %s with %d: the two differ in %s.", x.Line(), x.Status(), y.Line(), y.Status(), at),
			Proof: []finding.Proof{f.Proof(x.RequestAt, "this request: "+check.Short(what, 120)), f.Proof(x.ResponseAt, fmt.Sprintf("its answer is %d", x.Status())),
				f.ProofOther(&o.Facts[y.RequestAt], "the request that works: "+check.Short(y.Line()+" for "+y.Request.Authority, 120))}}
	}
	return nil
}

// counterpart is the exchange for the same thing that is answered well: in the flow to compare with the one that is alike, in others one
// whose path is the same but for a part in front.
func counterpart(c *check.Case, x *check.Exchange) (*check.Flow, *check.Exchange) {
	if o := c.Normal; o != nil {
		for i := range o.Exchanges() {
			if y := &o.Exchanges()[i]; good(y) && y.Request.Method == x.Request.Method && (related(x.Request.Target, y.Request.Target) || y.Request.Target == x.Request.Target) {
				return o, y
			}
		}
	}
	return nil, nil
}

func good(y *check.Exchange) bool {
	return y.Request != nil && y.RequestAt >= 0 && y.Status() >= 200 && y.Status() < 300
}

// related reports whether one target is the other with something in front, with doubled slashes, or with other escaping.
func related(a, b string) bool {
	pa, pb := path(a), path(b)
	if pa == pb {
		return true
	}
	if len(pa) < len(pb) {
		pa, pb = pb, pa
	}
	return strings.HasSuffix(pa, pb) && (len(pb) > 1 || strings.Count(pa, "/") == 2 && strings.HasSuffix(pa, "/"))
}

// path is a target's path without query, escapes of slashes and doubled slashes, in lower case.
func path(target string) string {
	p, _, _ := strings.Cut(target, "?")
	p = strings.ReplaceAll(strings.ToLower(p), "%2f", "/")
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	return p
}

// difference says in what two requests differ that decides where they go: the whole of a, and a name for it; "" where they do not.
func difference(a, b *fact.HTTPHead) (what, where string) {
	switch {
	case a.Target != b.Target:
		return a.Method + " " + a.Target, "their target"
	case !strings.EqualFold(a.Authority, b.Authority):
		return "Host " + a.Authority, "their Host (" + check.Short(a.Authority, 120) + ", " + check.Short(b.Authority, 120) + ")"
	}
	for _, name := range [...]string{"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix"} {
		if v, w := check.Field(a, name), check.Field(b, name); v != w {
			return name + ": " + v, name
		}
	}
	return "", ""
}
