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

// astray is how long after a challenge its answer may come on another connection.
const astray = time.Minute

var ntlmConnectionShared = check.Check{
	Code:      "origin.ntlm_connection_shared",
	Title:     "a log-on that belongs to one connection was spread over several",
	Severity:  finding.Critical,
	Catalogue: []int{75},
	Refines:   []reason.Code{reason.OriginStatus4xx},
	On:        []fact.Kind{fact.ResponseHead},
	Needs:     check.Plain,
	Text: `NTLM, and Negotiate when it falls back to NTLM, log on a **TCP connection**, not a request: 401, then a request with message 1,
401 with a challenge (message 2), a request with message 3, 200; from there on everything on that connection is the user's. A
proxy that hands each request to any connection that is free breaks this in two ways. Message 3 arrives where nobody sent a
challenge: 401 again, the browser asks for the password for ever. And worse: the next user's request goes out on a connection that
is still logged on, and he is served as somebody else.

It shows as 401 loops behind a load balancer while direct access works; with few users it works by luck, since the same connection
is picked again. IIS logs 401.1 or 401.2 with win32 status 2148074248 (invalid token). nginx (open source) cannot pass NTLM at
all; HAProxy needs *http-reuse never* or keeps such connections private by itself; node-http-proxy needs an agent with keep-alive
for each client.

What looks alike: a wrong password is refused after the challenge on the same connection. Kerberos carries its ticket in one
message and does not mind the connection. On HTTP/2 IIS answers HTTP_1_1_REQUIRED (http2.http_1_1_required).`,
	Asks: []string{
		"Does the loop end when there is one user and one connection (`curl --ntlm -u USER https://{host}/`, directly, then through the proxy)?",
		"On IIS: sc-status 401 with sc-substatus and sc-win32-status in the site's log.",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Prefer Kerberos (a service principal name for the site's name), or have the application use another log-on than Windows authentication behind proxies.",
			Lines: `:: cmd, as administrator
setspn -Q HTTP/{host}
setspn -S HTTP/{host} DOMAIN\ACCOUNT
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/security/authentication/windowsAuthentication /authPersistNonNTLM:true /commit:apphost`},
		{On: finding.Nginx, Do: "Where nginx is in between: only NGINX Plus binds connections (ntlm); else pass TCP through (stream).", Lines: "upstream iis { server {origin}; ntlm; }"},
		{On: finding.Node, Do: "Where a Node proxy is in between, keep one upstream connection for each client connection.", Lines: "agent: new https.Agent({ keepAlive: true, maxSockets: 1 })"},
		{On: finding.Lunette, Do: "Lunette gives a connection with such a log-on to one client by itself, and speaks HTTP/1.1 there; say so at once where every request needs it, and look for another proxy in between that shares.",
			Lines: "origin:\n  http: \"1.1\""},
	},
	Sources: []string{"RFC 4559 section 6", "RFC 9110 section 11", "haproxy#581", "node-http-proxy#1346"},
	Run:     runNTLM,
}

func runNTLM(c *check.Case) *check.Verdict {
	f := c.Flow
	if f.Has(fact.TCPMidstream) || f.Has(fact.ConnReused) {
		return nil // what went before is not known
	}
	all := f.Exchanges()
	for n := range all {
		x := &all[n]
		if _, challenge := offers(x); challenge {
			return nil // the log-on began here: refused or not, the connection is its own
		}
		kind, token := scheme(check.Field(x.Request, "Authorization"))
		if x.Status() != 401 || !token || kind != "ntlm" && kind != "negotiate" {
			continue
		}
		again, challenge := offers(x)
		if !again || challenge {
			continue
		}
		v := &check.Verdict{Confidence: finding.Likely, Settle: "capture all connections to the origin of one user's log-on",
			Proof:   []finding.Proof{f.Proof(x.RequestAt, "a log-on message ("+kind+") comes on a connection that no challenge was sent on"), f.Proof(x.ResponseAt, "the origin answers 401 and begins anew")},
			Summary: fmt.Sprintf("%s brought an answer to a challenge that this connection never sent; the log-on was begun on another one.", x.Line())}
		o, at := dangling(c, f.Facts[x.RequestAt].At)
		if o == nil {
			if kind == "negotiate" {
				return nil // a ticket of Kerberos that is refused looks the same
			}
			return v
		}
		v.Confidence, v.Settle = finding.Certain, ""
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[at], fmt.Sprintf("the challenge was sent on connection %d, where no answer followed", o.Conn)))
		v.Summary = fmt.Sprintf("%s brought its log-on message on a connection without a challenge; the challenge had been sent on connection %d.", x.Line(), o.Conn)
		return v
	}
	return nil
}

// offers reports whether an answer offers NTLM or Negotiate, and whether it holds a challenge.
func offers(x *check.Exchange) (offered, challenge bool) {
	if x.Response == nil || x.Status() != 401 {
		return false, false
	}
	for i := range x.Response.Fields {
		h := &x.Response.Fields[i]
		if !strings.EqualFold(h.Name, "WWW-Authenticate") {
			continue
		}
		if kind, token := scheme(h.Value); kind == "ntlm" || kind == "negotiate" {
			offered, challenge = true, challenge || token
		}
	}
	return offered, challenge
}

// dangling is another connection on which a challenge was the last word shortly before a moment.
func dangling(c *check.Case, before time.Time) (*check.Flow, int) {
	for _, o := range c.Others {
		all := o.Exchanges()
		if len(all) == 0 {
			continue
		}
		last := &all[len(all)-1]
		if _, challenge := offers(last); !challenge {
			continue
		}
		if gone := before.Sub(o.Facts[last.ResponseAt].At); gone >= 0 && gone <= astray {
			return o, last.ResponseAt
		}
	}
	return nil, -1
}
