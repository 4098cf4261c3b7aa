package application

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var hostUnknown = check.Check{
	Code:      "origin.host_unknown",
	Title:     "the origin has no site for the Host that it was sent",
	Severity:  finding.Critical,
	Catalogue: []int{79},
	Refines:   []reason.Code{reason.OriginStatus4xx},
	On:        []fact.Kind{fact.ResponseHead, fact.OriginLogged},
	Needs:     check.Plain,
	Silences:  []finding.Code{"http1.request_refused"},
	Text: `One address serves many sites, told apart by Host (or :authority). The name in this request is bound to none of them, so that the
origin's default answers: on IIS http.sys with *Bad Request - Invalid Hostname* (400, Server: Microsoft-HTTPAPI/2.0, HTTPERR
Hostname), or 404 from the default site; nginx its default_server, often a welcome page, 404 or 444 (a close without an answer);
Apache the first virtual host; Tomcat defaultHost; a Kubernetes ingress *default backend - 404*; cloud front doors 404 or 421.

The usual reason is a proxy that sends its own name for the origin, an address, or a port in Host: nginx sends $proxy_host unless
told otherwise, HAProxy and Lunette what the client sent, a health check the bare address. Or a new name was given to the proxy
and not to the origin.

SNI and Host are different things: a certificate that fits proves nothing about Host. When both differ, Apache answers 421
(tls.misdirected_request). What proves this cause is the same request with another Host that works on the same address.`,
	Asks: []string{
		"Ask the same address for the same path with each name: `curl -sk -o /dev/null -w '%{http_code}\\n' --connect-to ::{origin} https://{host}/PATH`",
		"On IIS: `%windir%\\system32\\inetsrv\\appcmd list site`, and `findstr /s Hostname %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Send the name that the origin knows.", Lines: "origin:\n  host: \"{host}\"\n  tls:\n    server_name: \"{host}\""},
		{On: finding.IIS, Do: "Bind the name to the site.",
			Lines: `# PowerShell, as administrator
Import-Module WebAdministration
Get-WebBinding | Format-Table protocol,bindingInformation,sslFlags,certificateHash
Get-ChildItem Cert:\LocalMachine\My | Format-Table NotAfter,Thumbprint,Subject
New-WebBinding -Name 'SITE' -Protocol https -Port 443 -HostHeader '{host}' -SslFlags 1
(Get-WebBinding -Name 'SITE' -Protocol https -Port 443 -HostHeader '{host}').AddSslCertificate('THUMBPRINT','My')`},
		{On: finding.Nginx, Do: "Add the name on the origin; where nginx is in between, pass the client's on.", Lines: "server_name {host};\n# in between:\nproxy_set_header Host $host;"},
		{On: finding.Apache, Do: "Add the name on the origin; where mod_proxy is in between, pass the client's on.", Lines: "ServerAlias {host}\n# in between:\nProxyPreserveHost On"},
		{On: finding.Java, Do: "Add the name to the host in server.xml.", Lines: "<Host name=\"localhost\" appBase=\"webapps\"><Alias>{host}</Alias></Host>"},
	},
	Sources: []string{"RFC 9110 section 7.2", "RFC 9112 section 3.2", "Microsoft KB820729 (HTTPERR reason phrases)", "nginx: ngx_http_proxy_module, proxy_set_header"},
	Run:     runHostUnknown,
}

func runHostUnknown(c *check.Case) *check.Verdict {
	f := c.Flow
	line, l := logged(f, "Hostname")
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		s := x.Status()
		if x.ResponseAt < 0 || x.RequestAt < 0 || s != 400 && s != 404 && s != 403 && s != 410 && s != 421 {
			continue
		}
		host := authority(x)
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.RequestAt, "the request names "+check.Short(host, 100)), f.Proof(x.ResponseAt, answered(x))},
			Summary: fmt.Sprintf("The origin answered %s for %s with %d: it has no site of that name.", x.Line(), check.Short(host, 100), s)}
		if o, y := otherHost(c, x); o != nil {
			v.Proof = append(v.Proof, f.ProofOther(&o.Facts[y.ResponseAt], fmt.Sprintf("the same for %s is answered with %d", check.Short(authority(y), 100), y.Status())))
			v.Summary = fmt.Sprintf("The origin answered %s for %s with %d, and the same for %s with %d.", x.Line(), check.Short(host, 100), s, check.Short(authority(y), 100), y.Status())
			t := c.Contrast(func(o *check.Flow) check.Bearing { return aboutHost(o, x) })
			t.Temper(v)
			return v
		}
		switch {
		case s == 400 && l != nil:
			v.Proof = append(v.Proof, f.Proof(line, "http.sys wrote Hostname"))
			return v
		case (s == 400 && byHTTPSys(x) || s == 404) && isAddress(host):
			v.Confidence, v.Settle = finding.Likely, "ask for the same path with the name of the site in Host"
			v.Summary = fmt.Sprintf("The origin answered %s with %d; the request names an address (%s) and not a site.", x.Line(), s, check.Short(host, 100))
			return v
		case check.HTTPSysPhrase(x.Response) == "Hostname":
			v.Confidence, v.Settle = finding.Likely, settledBy(f)
			v.Proof = append(v.Proof, f.Proof(x.ResponseAt, "334 bytes are the length of http.sys' page for an invalid host name"))
			return v
		case s == 400 && byHTTPSys(x) && check.HTTPSysPhrase(x.Response) == "" && x.Request != nil && x.Request.Method == "GET" && len(x.Request.Target) < 1000:
			v.Confidence, v.Settle = finding.Possible, settledBy(f)
			v.Summary = fmt.Sprintf("http.sys answered %s for %s with 400 before any site saw it; an unknown name is the usual reason.", x.Line(), check.Short(host, 100))
			return v
		}
	}
	return nil
}

// settledBy is what would tell more. A probe has asked with another Host already.
func settledBy(f *check.Flow) string {
	if f.Purpose != "" {
		return "look for Hostname in HTTPERR, and for the name among the bindings of the sites"
	}
	return "look for Hostname in HTTPERR, or ask for the same path with another Host"
}

// otherHost is an exchange on another connection to the same address that differs in Host and is answered well.
func otherHost(c *check.Case, x *check.Exchange) (*check.Flow, *check.Exchange) {
	if x.Request == nil {
		return nil, nil
	}
	for _, o := range c.Others {
		if o.Server != c.Flow.Server || x.Status() != 400 && o.Purpose == "" && c.Flow.Purpose == "" {
			continue // that a page is on one site and not on another is no fault
		}
		for i := range o.Exchanges() {
			y := &o.Exchanges()[i]
			if y.ResponseAt >= 0 && y.Request != nil && y.Request.Target == x.Request.Target && y.Request.Method == x.Request.Method &&
				authority(y) != authority(x) && y.Status() >= 200 && y.Status() < 400 && o.Name == c.Flow.Name {
				return o, y
			}
		}
	}
	return nil, nil
}

// aboutHost is what another connection says of the Host of x: the same request with it, and with another.
func aboutHost(o *check.Flow, x *check.Exchange) check.Bearing {
	for i := range o.Exchanges() {
		y := &o.Exchanges()[i]
		if y.ResponseAt < 0 || y.Request == nil || y.Request.Target != x.Request.Target || y.Request.Method != x.Request.Method {
			continue
		}
		switch same, well := authority(y) == authority(x), y.Status() >= 200 && y.Status() < 400; {
		case same && y.Status() == x.Status():
			return check.Failed
		case same && well:
			return check.Against
		case !same && well:
			return check.Worked
		}
	}
	return check.Aside
}

// isAddress reports whether a Host is an IP address, with a port or without.
func isAddress(host string) bool {
	if _, err := netip.ParseAddrPort(host); err == nil {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
