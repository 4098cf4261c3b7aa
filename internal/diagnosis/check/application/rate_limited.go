package application

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var rateLimited = check.Check{
	Code:      "origin.rate_limited",
	Title:     "the origin limits the rate of requests",
	Severity:  finding.Critical,
	Catalogue: []int{77},
	Refines:   []reason.Code{reason.OriginStatus4xx, reason.HTTP2GoAway, reason.HTTP2RST},
	On:        []fact.Kind{fact.ResponseHead, fact.OriginLogged, fact.HTTP2GoAway, fact.HTTP2RstStream},
	Silences:  []finding.Code{"http2.goaway_race", "http2.stream_reset"},
	Text: `Behind a proxy all users come from one address. What counts requests or connections by address on the origin — IIS Dynamic IP
Restrictions, nginx limit_req, fail2ban, a firewall's connection limit, another WAF — sees one client that is far too busy and
shuts it out: all users at once, in the busiest hour, for as long as the ban lasts. Direct access from elsewhere works.

It shows in four ways: 429 (or 503 from nginx, which is limit_req_status by default); 403 with substatus 501 to 504 in the log of
IIS; HTTP/2's ENHANCE_YOUR_CALM; or no HTTP at all, SYNs that are dropped or reset (tcp.syn_dropped, tcp.reset_after_accept),
which begin after N requests.

The page that the user sees usually gives no reason. nginx writes *limiting requests, excess* to its error log, IIS 403.501 and
403.502 to the site's log, fail2ban the address that it banned to its own.

A 429 for one user alone, by his token or session, is the application's own business and looks the same from here: the fields of
the answer (Retry-After, RateLimit) and its text tell more.`,
	Asks: []string{
		"Is it all users at once, and does a request from another address than the proxy's get through in that moment?",
		"On the origin: `fail2ban-client status`, `iptables -S | grep -E 'connlimit|hashlimit|recent'`, `nginx -T | grep limit_`, on IIS the section dynamicIpSecurity.",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Count by the address in X-Forwarded-For (proxy mode), and exempt the proxy (WAF-ADDRESS). Let only the proxy reach the origin then, since anybody can write that field.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config "SITE" /section:system.webServer/security/dynamicIpSecurity
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/security/dynamicIpSecurity /enableProxyMode:True /commit:apphost
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/security/ipSecurity "/+[ipAddress='WAF-ADDRESS',allowed='True']" /commit:apphost`},
		{On: finding.Nginx, Do: "Take the client's address from the proxy before counting.", Lines: "set_real_ip_from WAF-ADDRESS;\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;"},
		{On: finding.Apache, Do: "Take the client's address from the proxy.", Lines: "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy WAF-ADDRESS"},
		{On: finding.Network, Do: "Exempt the addresses of the proxy from connection limits and bans; limits belong in front of it.", Lines: "fail2ban-client set JAIL addignoreip WAF-ADDRESS"},
		{On: finding.Lunette, Do: "Use fewer connections at once; further requests wait for a free one.", Lines: "origin:\n  max_connections: 50"},
	},
	Sources: []string{"RFC 6585 section 4 (429)", "RFC 9113 section 7 (ENHANCE_YOUR_CALM)", "Microsoft KB943891 (IIS status codes)", "nginx: ngx_http_limit_req_module, limit_req_status", "nginx: ngx_http_realip_module"},
	Run:     runRateLimited,
}

func runRateLimited(c *check.Case) *check.Verdict {
	f := c.Flow
	if i, l := f.Logged(func(l *fact.OriginLog) bool { return l.Status == 403 && l.Substatus >= 501 && l.Substatus <= 504 }); i >= 0 {
		sure, settle := f.ByLog(i)
		return &check.Verdict{Confidence: sure, Settle: settle, Summary: fmt.Sprintf("IIS refused the request because of the address that it came from: 403.%d.", l.Substatus),
			Proof: []finding.Proof{f.Proof(i, fmt.Sprintf("the site's log says 403.%d", l.Substatus))}}
	}
	if i := f.Find(-1, calm); i >= 0 {
		return &check.Verdict{Confidence: finding.Certain, Summary: "The origin ended what it was asked over HTTP/2 with ENHANCE_YOUR_CALM: it finds that too much is asked of it.",
			Proof: []finding.Proof{f.Proof(i, "the origin says ENHANCE_YOUR_CALM")}}
	}
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if x.ResponseAt < 0 {
			continue
		}
		after := check.Field(x.Response, "Retry-After")
		proof := answered(x)
		if after != "" {
			proof += " with Retry-After: " + check.Short(after, 100)
		}
		switch {
		case x.Status() == 429:
			v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, proof)},
				Summary: fmt.Sprintf("The origin answered %s with 429 (Too Many Requests)%s.", x.Line(), beside(c, 429))}
			return v
		case x.Status() == 503 && check.HasField(x.Response, "RateLimit-Reset"), x.Status() == 503 && check.Field(x.Response, "X-RateLimit-Remaining") == "0":
			return &check.Verdict{Confidence: finding.Likely, Settle: "look at the limits of the origin: limit_req of nginx answers 503 as well", Proof: []finding.Proof{f.Proof(x.ResponseAt, proof+" and fields of a rate limit")},
				Summary: fmt.Sprintf("The origin answered %s with 503 and says that a rate limit is used up.", x.Line())}
		}
	}
	return nil
}

// enhanceYourCalm is that error of HTTP/2 (RFC 9113 section 7).
const enhanceYourCalm = 0xb

// calm reports whether the server says over HTTP/2 that it is asked too much.
func calm(x *fact.Fact) bool {
	return (x.Kind == fact.HTTP2GoAway || x.Kind == fact.HTTP2RstStream) && x.Side == fact.SideServer && x.Code == enhanceYourCalm
}

// beside says how many of the other connections met the same status.
func beside(c *check.Case, status int) string {
	met, all := 0, 0
	for _, o := range c.Others {
		if len(o.Exchanges()) == 0 {
			continue
		}
		all++
		for i := range o.Exchanges() {
			if o.Exchanges()[i].Status() == status {
				met++
				break
			}
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("; so it did on %d of %d other connections", met, all)
}
