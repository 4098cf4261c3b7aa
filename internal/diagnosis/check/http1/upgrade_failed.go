package http1

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var upgradeFailed = check.Check{
	Code:      "http1.upgrade_failed",
	Title:     "a change of protocol (WebSocket) went wrong",
	Severity:  finding.Critical,
	Catalogue: []int{67},
	Refines:   []reason.Code{reason.HTTP1BadUpgrade, reason.OriginStatus4xx},
	On:        []fact.Kind{fact.HTTPBroken, fact.RequestHead, fact.ResponseHead, fact.FirstByte, fact.RequestSent},
	Silences:  []finding.Code{"http1.closed_before_answer", "http1.reset_before_answer", "http1.malformed_answer", "http1.request_refused"},
	Text: `A WebSocket begins as a GET with Upgrade: websocket, Connection: Upgrade and a key; 101 turns the connection over. Upgrade and
Connection are hop-by-hop: a proxy must pass them on by intention, or they are gone and the origin sees a plain GET with a key.
Then it answers 400 (*Can "Upgrade" only to "WebSocket"*), 426, 404 or simply 200 with a page, and the browser says *Unexpected
response code*.

The other way round an origin may send a 101 that nobody asked for. nginx passes it to the client and then both hang; Go says
*backend tried to switch protocol "x" when "" was requested*; HAProxy logs **PH**. An answer of this kind must not be believed:
behind it the bytes are no HTTP any more, and requests of other users may end up among them.

A 101 that came and then a close after a minute of silence is no failure of the upgrade but an idle timer (nginx
proxy_read_timeout 60 s). 401, 403 and redirects are the application's answer. An Upgrade: h2c that is ignored is no fault.`,
	Asks: []string{
		"Does it work directly: `curl -i --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' --resolve {host}:{port}:{ip} https://{host}/PATH`",
		"On IIS: is the feature installed (`Get-WindowsFeature Web-WebSockets`)?",
	},
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "Where nginx is in between, pass the fields on and wait longer.",
			Lines: "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";\nproxy_read_timeout 1h;"},
		{On: finding.Apache, Do: "Where mod_proxy is in between, let it upgrade.", Lines: `ProxyPass "/ws" "https://origin.test/ws" upgrade=websocket`},
		{On: finding.IIS, Do: "Install and enable the WebSocket module; Application Request Routing passes upgrades only with it.",
			Lines: `# PowerShell, as administrator
Install-WindowsFeature Web-WebSockets
& $env:windir\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/webSocket /enabled:True /commit:apphost`},
		{On: finding.Java, Do: "Have tomcat-websocket.jar in place and an endpoint on this very path.", Lines: "ls $CATALINA_HOME/lib/tomcat-websocket.jar"},
		{On: finding.Node, Do: "Handle the upgrade event; without it Node answers as to a plain GET.", Lines: "server.on('upgrade', (req, socket, head) => wss.handleUpgrade(req, socket, head, ws => wss.emit('connection', ws, req)))"},
		{On: finding.Lunette, Do: "Upgrades need HTTP/1.1 on the way to the origin.", Lines: "origin:\n  http: \"1.1\""},
	},
	Sources: []string{"RFC 9110 sections 7.8, 15.2.2", "RFC 6455 section 4", "nginx: WebSocket proxying"},
	Run:     runUpgradeFailed,
}

func runUpgradeFailed(c *check.Case) *check.Verdict {
	f := c.Flow
	if i := brokenBy(f, fact.SideServer, -1, func(text string) bool { return strings.HasPrefix(text, "101 that no request") }); i >= 0 {
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, f.Facts[i].Text)},
			Summary: fmt.Sprintf("The origin answered %s with a 101 (Switching Protocols) that it had not asked for.", lineAt(f, i)),
			Without: []finding.System{finding.Nginx, finding.Apache, finding.IIS, finding.Java, finding.Node, finding.Lunette},
			Mends:   []finding.Mend{{On: finding.Origin, Do: "Find what sends 101 on this path: an application that upgrades whoever asks, or a proxy there that mixes up connections. A request without Upgrade must get another answer."}}}
		if !proven(f) {
			v.Confidence, v.Settle = finding.Likely, "capture again without losses: the request's Upgrade field may be among bytes that are missing here"
		}
		return v
	}
	if at := f.Last(fact.FirstByte, fact.ResponseInterim, fact.RequestSent); f.Reason == reason.HTTP1BadUpgrade && at >= 0 {
		return &check.Verdict{Confidence: finding.Certain, Summary: "The change of protocol went wrong: " + orNone(f.Detail, "the answer does not fit the request") + ".",
			Proof: []finding.Proof{f.Proof(at, "the attempt ended as "+string(f.Reason)+" "+f.Detail)}}
	}
	for n := range f.Exchanges() {
		if v := noWebSocket(f, &f.Exchanges()[n]); v != nil {
			return v
		}
	}
	return nil
}

// noWebSocket judges an answer other than 101 to a request for a WebSocket.
func noWebSocket(f *check.Flow, x *check.Exchange) *check.Verdict {
	if x.ResponseAt < 0 || x.Stream != 0 {
		return nil
	}
	if wants := check.Field(x.Response, "Upgrade"); x.Status() == 426 && !check.HasField(x.Request, "Upgrade") {
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("the origin answers 426 with Upgrade: %q; the request has no Upgrade", wants))},
			Summary: fmt.Sprintf("The origin answered %s with 426 (Upgrade Required): it wants %s, and the request asks for none; a proxy in front may have dropped that.", x.Line(), orNone(wants, "another protocol"))}
	}
	if !check.HasField(x.Request, "Sec-WebSocket-Key") {
		return nil
	}
	switch s := x.Status(); {
	case s == 101 || s == 401 || s == 403 || s == 407 || s == 421 || s == 429 || s >= 300 && s < 400 || s >= 500:
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("the answer is %d, not 101", x.Status()))}}
	upgrade, option := check.Field(x.Request, "Upgrade"), check.Field(x.Request, "Connection")
	if !strings.EqualFold(upgrade, "websocket") || !strings.Contains(strings.ToLower(option), "upgrade") {
		v.Proof = append(v.Proof, f.Proof(x.RequestAt, fmt.Sprintf("the request has a Sec-WebSocket-Key, Upgrade: %q and Connection: %q", upgrade, option)))
		v.Summary = fmt.Sprintf("%s asks for a WebSocket but lacks Upgrade or Connection: a proxy in front dropped them; the origin answered %d.", x.Line(), x.Status())
		return v
	}
	v.Confidence, v.Settle = finding.Likely, "ask for the same directly on the origin: it may have no WebSocket on this path"
	v.Proof = append(v.Proof, f.Proof(x.RequestAt, "the request asks for a WebSocket as it should"))
	v.Summary = fmt.Sprintf("The origin answered %s, which asks for a WebSocket, with %d instead of 101.", x.Line(), x.Status())
	return v
}
