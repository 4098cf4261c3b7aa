package handshake

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var misdirectedRequest = check.Check{
	Code:      "tls.misdirected_request",
	Title:     "the origin answers 421: the request's name does not fit the connection's",
	Severity:  finding.Critical,
	Catalogue: []int{29},
	Refines:   []reason.Code{reason.OriginStatus4xx, reason.ConfigSNIHostMismatch},
	On:        []fact.Kind{fact.ResponseHead},
	Needs:     check.Plain,
	Silences:  []finding.Code{"http1.request_refused", "origin.host_unknown"},
	Text: `The TLS handshake succeeds, and the request gets **421 Misdirected Request** (RFC 9110 section 15.5.20): the server will not
answer for the Host of the request on a connection whose SNI was another name, or none. Apache httpd is strict about it since
2.4.64 (CVE-2025-23048): virtual hosts with different TLS settings must not be reached through one another's connections, and its
error log says AH02032 with both names. Servers of HTTP/2 answer 421 when a connection was coalesced for a name that they do not
serve there.

A proxy brings it about when it sends no SNI (nginx without proxy_ssl_server_name, HAProxy without "sni"), sends the name of the
upstream while it passes the user's Host on, or keeps one pool of connections, or one cache of TLS sessions, for several names. In
the latter cases it comes and goes with the load.

It is not origin.host_unknown (404 or 400 for a Host that no site has): here the host is known, the connection is wrong.`,
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Send the same name in SNI and in Host.", Lines: "origin:\n  host: {host}\n  tls:\n    server_name: {host}"},
		{On: finding.Nginx, Do: "As a proxy, send the name of the request, and keep sessions of different names apart.",
			Lines: "proxy_ssl_server_name on;\nproxy_ssl_name $host;\nproxy_set_header Host $host;\nproxy_ssl_session_reuse off;"},
		{On: finding.Apache, Do: "As the origin, give the virtual hosts the same TLS settings, or let clients name the right one; as a proxy, keep the Host so that SNI follows it.",
			Lines: "ProxyPreserveHost On"},
		{On: finding.Origin, Do: "Behind HAProxy set the name for each request.", Lines: "server origin {origin} ssl sni req.hdr(host) verify required ca-file /etc/ssl/certs/ca-certificates.crt"},
	},
	Sources: []string{"RFC 9110 sections 7.4 and 15.5.20", "RFC 9113 section 9.1.1", "CVE-2025-23048 (Apache httpd 2.4.64)", "caddy#7134", "haproxy#3133"},
	Run:     runMisdirectedRequest,
}

func runMisdirectedRequest(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	for _, x := range f.Exchanges() {
		if x.Status() != 421 || x.Request != nil && strings.EqualFold(x.Request.Scheme, "http") {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Summary: fmt.Sprintf("%s got 421 (Misdirected Request).", check.Upper(x.Line()))}
		host := ""
		if x.Request != nil {
			if host = x.Request.Authority; host == "" {
				host = check.Field(x.Request, "Host")
			}
			v.Proof = append(v.Proof, f.Proof(x.RequestAt, "the request is for "+check.Short(host, 60)))
		}
		v.Proof = append(v.Proof, f.Proof(x.ResponseAt, "the origin answers 421"))
		switch name := bare(host); {
		case h == nil || name == "":
			v.Confidence, v.Settle = finding.Likely, "the names: compare SNI in the ClientHello with Host"
		case h.ServerName == "":
			v.Summary = fmt.Sprintf("The connection was made without a name (SNI), and the request for %s got 421 (Misdirected Request).", check.Short(name, 60))
			v.Proof = append(v.Proof, f.Proof(at, offer(&f.Facts[at])))
		case !strings.EqualFold(h.ServerName, name):
			v.Summary = fmt.Sprintf("The connection was made for %s, and the request for %s got 421 (Misdirected Request).", check.Short(h.ServerName, 60), check.Short(name, 60))
			v.Proof = append(v.Proof, f.Proof(at, offer(&f.Facts[at])))
		default:
			v.Confidence, v.Settle = finding.Likely, "the origin's log: Apache httpd writes AH02032 with both names"
			v.Summary = fmt.Sprintf("The request for %s got 421 (Misdirected Request), though the connection was made for the same name.", check.Short(name, 60))
		}
		return v
	}
	return nil
}

// bare is a Host value without its port.
func bare(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}
