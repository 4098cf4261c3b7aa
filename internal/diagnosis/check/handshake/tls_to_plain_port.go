package handshake

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var tlsToPlainPort = check.Check{
	Code:      "tls.tls_to_plain_port",
	Title:     "the origin does not speak TLS on this port",
	Severity:  finding.Critical,
	Catalogue: []int{32, 85},
	Refines:   []reason.Code{reason.TLSNotTLS},
	On:        []fact.Kind{fact.TLSNotTLS, fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.closed_after_hello", "tls.silent_after_hello", "tls.handshake_alert", "http1.malformed_answer", "http1.request_refused"},
	Text: `The client sends a ClientHello, and the first bytes of the server are no TLS record: mostly **HTTP/1.1 400 Bad Request**, the
answer of a web server that takes the hello for a request; else the greeting of another protocol. The proxy is set to https:// and
the port is plain: 80 in place of 443, a backend behind a load balancer that took TLS off already, a new port without "ssl" in its
listen line.

OpenSSL (nginx, HAProxy, curl) prints *wrong version number*, as it reads "HTTP/" for a record header; Go prints *first record
does not look like a TLS handshake*, Java *Unsupported or unrecognized SSL message*.

The opposite, plain HTTP on a TLS port, is tls.plain_http_on_tls_port. A proxy on the way that answers a CONNECT with an error
looks alike: then its answer comes before any ClientHello.`,
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Speak HTTP in clear to this port, which is for trusted networks only, or name the port that speaks TLS.",
			Lines: "origin:\n  urls: [\"http://{origin}\"]    # in clear\n  # or: urls: [\"https://{ip}\"]"},
		{On: finding.Nginx, Do: "As the origin, make the port speak TLS.", Lines: "listen {port} ssl;\nssl_certificate /etc/nginx/{host}.crt;\nssl_certificate_key /etc/nginx/{host}.key;"},
		{On: finding.Apache, Do: "Switch TLS on in the virtual host of the port.",
			Lines: "Listen {port} https        # in place of the Listen that is there\n<VirtualHost *:{port}>\n  SSLEngine on"},
		{On: finding.IIS, Do: "Add an https binding and give it a certificate, on a port that has no http binding.",
			Lines: `# PowerShell, as administrator
Import-Module WebAdministration
Get-WebBinding | Format-Table protocol,bindingInformation,sslFlags,certificateHash
Get-ChildItem Cert:\LocalMachine\My | Format-Table NotAfter,Thumbprint,Subject
New-WebBinding -Name 'SITE' -Protocol https -Port 443 -HostHeader '{host}' -SslFlags 1
(Get-WebBinding -Name 'SITE' -Protocol https -Port 443 -HostHeader '{host}').AddSslCertificate('THUMBPRINT','My')`},
		{On: finding.Java, Do: "In Tomcat set SSLEnabled on the connector.", Lines: `<!-- add to the Connector that is there -->
protocol="org.apache.coyote.http11.Http11NioProtocol" SSLEnabled="true"`},
		{On: finding.Node, Do: "Use https.createServer for the port, not http.createServer."},
	},
	Sources: []string{"RFC 8446 section 5.1", "RFC 9110 section 4.2"},
	Run:     runTLSToPlainPort,
}

func runTLSToPlainPort(c *check.Case) *check.Verdict {
	f := c.Flow
	_, hello := f.Hello()
	i := f.FirstOf(fact.SideServer, fact.TLSNotTLS)
	if i < 0 && f.Reason != reason.TLSNotTLS || f.Has(fact.TLSServerHello) || hello < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(hello, offer(&f.Facts[hello]))}}
	began := strings.TrimPrefix(f.Detail, "the origin began with ")
	if i >= 0 {
		if f.Facts[i].Text != "" {
			began = f.Facts[i].Text
		}
		v.Proof = append(v.Proof, f.Proof(i, "the origin's first bytes are no TLS record: "+check.Short(began, 60)))
	}
	what := "bytes that are no TLS"
	if strings.HasPrefix(strings.Trim(began, `"`), "HTTP/") {
		what = "HTTP in clear"
	}
	v.Summary = fmt.Sprintf("On port %d the origin answers the ClientHello with %s: %s.", f.Server.Port(), what, check.Short(began, 60))
	return v
}
