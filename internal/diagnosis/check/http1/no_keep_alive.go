package http1

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// manyAlike is how many connections of one exchange each make a habit.
const manyAlike = 3

var noKeepAlive = check.Check{
	Code:      "http1.no_keep_alive",
	Title:     "every request pays for a connection of its own",
	Severity:  finding.Info,
	Catalogue: []int{69},
	On:        []fact.Kind{fact.ResponseHead},
	Needs:     check.Plain | check.Others,
	Text: `Each connection carries one request and is closed: one side says Connection: close, or speaks HTTP/1.0, where that is the default.
TCP and TLS then cost two to four round trips and a signature for each request, latency is a multiple of what the page needs,
TIME-WAIT sockets pile up at who closes first, and ephemeral ports may run out (tcp.ports_exhausted).

Nothing fails by it, so nothing is logged. It shows as $upstream_connect_time in nginx beside every request, as Tc in HAProxy, as
time_appconnect in curl, and as a CPU of the origin that is busy with handshakes.

For most of its history nginx has spoken HTTP/1.0 with Connection: close to its upstream unless told otherwise; Apache's mod_proxy
closes with SetEnv proxy-nokeepalive; IIS has a switch for it; Windows authentication over Negotiate may end connections with
authPersistSingleRequest; WAFs and old load balancers switch it off on purpose.

Here the answers (or the requests) say it themselves, on several connections in a row. A single one that is closed after a 4xx or
5xx is usual and means nothing.`,
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Let it keep connections.", Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/httpProtocol /allowKeepAlive:True /commit:apphost`},
		{On: finding.Nginx, Do: "As an origin: keepalive_timeout above 0. As a proxy in between: keep connections to its upstream.",
			Lines: "keepalive_timeout 75s;\n# in upstream {}:\nkeepalive 32;\n# in location {}:\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";"},
		{On: finding.Apache, Do: "Switch it on.", Lines: "KeepAlive On\nKeepAliveTimeout 15"},
		{On: finding.Java, Do: "Allow more than one request on a connection.", Lines: `<!-- add to the Connector that is there -->
maxKeepAliveRequests="100" keepAliveTimeout="20000"`},
		{On: finding.Node, Do: "Do not set Connection: close; keep idle connections longer than the proxy does.", Lines: "server.keepAliveTimeout = 20000"},
		{On: finding.Lunette, Do: "Lunette keeps connections for as long as this; 0s switches that off.", Lines: "origin:\n  timeouts:\n    keepalive_idle: 4s\n  idle_connections: 256"},
	},
	Sources: []string{"RFC 9112 sections 9.3, 9.6", "nginx: ngx_http_upstream_module, keepalive"},
	Run:     runNoKeepAlive,
}

func runNoKeepAlive(c *check.Case) *check.Verdict {
	f := c.Flow
	who, at := closes(f)
	asked := at >= 0 && f.Facts[at].Side == fact.SideClient
	if who == "" || asked && f.Purpose != "" {
		return nil // a probe that asks for it means it
	}
	alike, others := 1, 0
	for _, o := range c.Others {
		if len(o.Exchanges()) == 0 || asked && o.Purpose != "" {
			continue
		}
		w, i := closes(o)
		if !asked && o.Purpose != "" && i >= 0 && o.Facts[i].Side == fact.SideClient {
			continue // it asked for it
		}
		others++
		if w == who {
			alike++
		}
	}
	if alike < manyAlike || alike <= others/2 {
		return nil
	}
	return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, who)},
		Summary: fmt.Sprintf("%d of %d connections carried one request each and were closed: %s.", alike, others+1, who)}
}

// closes says by whose word a connection ends after its only exchange, "" where it does not, or where the answer is an error.
func closes(f *check.Flow) (who string, at int) {
	all := f.Exchanges()
	if len(all) != 1 || all[0].Stream != 0 || all[0].ResponseAt < 0 || all[0].RequestAt < 0 || all[0].Status() >= 400 || all[0].Status() < 200 {
		return "", -1
	}
	x := &all[0]
	if x.Request == nil || x.Response == nil || x.Request.Proto == "" || x.Response.Proto == "" {
		return "", -1
	}
	option := func(h *fact.HTTPHead, name string) bool {
		return strings.Contains(strings.ToLower(check.Field(h, "Connection")), name)
	}
	switch {
	case option(x.Request, "close"):
		return "the request says Connection: close", x.RequestAt
	case x.Request.Proto == "HTTP/1.0" && !option(x.Request, "keep-alive"):
		return "the request is of HTTP/1.0", x.RequestAt
	case option(x.Response, "close"):
		return "the answer says Connection: close", x.ResponseAt
	case x.Response.Proto == "HTTP/1.0" && !option(x.Response, "keep-alive"):
		return "the answer is of HTTP/1.0", x.ResponseAt
	}
	return "", -1
}
