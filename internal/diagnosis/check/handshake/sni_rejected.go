package handshake

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var sniRejected = check.Check{
	Code:      "tls.sni_rejected",
	Title:     "the origin does not know the name in the ClientHello",
	Severity:  finding.Critical,
	Catalogue: []int{28},
	Refines:   []reason.Code{reason.TLSUnrecognizedName, reason.TLSReset, reason.TLSEOF, reason.TLSAlert, reason.ConfigSNIHostMismatch},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.closed_after_hello", "tls.handshake_alert", "tls.no_common_cipher"},
	Text: `The ClientHello names a site (server_name, SNI) that the server has no certificate for. It answers **unrecognized_name (112)**:
fatal, and the handshake is over; or as a *warning*, and it goes on with its default certificate. The warning must be ignored by
clients of TLS 1.2 (RFC 6066 section 3), but Java's JSSE treats it as an error: *handshake alert: unrecognized_name*. IIS with
SNI-only bindings resets instead.

The name that is sent is the proxy's choice: the Host of the request, the name in its configuration, or by mistake the name of an
upstream group (nginx: proxy_ssl_name defaults to the host of proxy_pass), an internal alias, or an IP address, which RFC 6066
does not allow. nginx prints *tlsv1 unrecognized name:SSL alert number 112*, Go *remote error: tls: unrecognized name*.

A reset in place of the alert may also come from a firewall that filters by name (network.sni_reset); then the time to live of the
RST differs from that of the SYN-ACK.`,
	Asks: []string{"Which names does the origin serve? `nginx -T | grep server_name`; `apachectl -S`; `netsh http show sslcert`"},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Send the name that the origin's certificate is for.", Lines: "origin:\n  host: {host}\n  tls:\n    server_name: {host}"},
		{On: finding.Nginx, Do: "As the origin, add the name; as a proxy, send the right one.", Lines: "server_name {host};\n# as a proxy\nproxy_ssl_server_name on;\nproxy_ssl_name {host};"},
		{On: finding.Apache, Do: "Add the name to the virtual host.", Lines: "ServerName {host}"},
		{On: finding.IIS, Do: "Add a binding for the name, with its certificate.",
			Lines: `# PowerShell, as administrator
Import-Module WebAdministration
Get-WebBinding | Format-Table protocol,bindingInformation,sslFlags,certificateHash
Get-ChildItem Cert:\LocalMachine\My | Format-Table NotAfter,Thumbprint,Subject
New-WebBinding -Name 'SITE' -Protocol https -Port 443 -HostHeader '{host}' -SslFlags 1
(Get-WebBinding -Name 'SITE' -Protocol https -Port 443 -HostHeader '{host}').AddSslCertificate('THUMBPRINT','My')`},
		{On: finding.Java, Do: "In Tomcat add an SSLHostConfig for the name.",
			Lines: `<SSLHostConfig hostName="{host}"><Certificate certificateKeystoreFile="conf/{host}.p12"/></SSLHostConfig>`},
		{On: finding.Node, Do: "As the origin, add a context for the name.", Lines: "server.addContext('{host}', { key, cert })"},
		{On: finding.OpenSSL, Do: "Try the names.", Lines: "openssl s_client -connect {origin} -servername {host} </dev/null"},
	},
	Sources: []string{"RFC 6066 section 3", "nginx: ngx_http_ssl_module, ssl_reject_handshake", "Microsoft: IIS binding, sslFlags"},
	Run:     runSNIRejected,
}

func runSNIRejected(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	if at < 0 || h != nil && h.ServerName == "" {
		return nil
	}
	name := "the name"
	if h != nil {
		name = check.Short(h.ServerName, 60)
	}
	if i := unrecognized(f); i >= 0 {
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, offer(&f.Facts[at])), f.Proof(i, "the origin answers unrecognized_name (112)")},
			Summary: fmt.Sprintf("The origin does not know %s and answers with alert 112 (unrecognized_name).", name)}
		switch alert := clientAlert(f); {
		case f.Established():
			v.Severity = finding.Info
			v.Summary = fmt.Sprintf("The origin does not know %s and says so by a warning (unrecognized_name); the handshake went on, with its default certificate.", name)
		case alert > i:
			v.Proof = append(v.Proof, f.Proof(alert, "the client breaks off"))
			v.Summary = fmt.Sprintf("The origin does not know %s and warns (unrecognized_name); the client takes the warning for an error.", name)
		}
		return v
	}
	r, ok := refused(f)
	if !ok || h == nil || r.how == fact.Silence || r.how == fact.TLSAlert && (r.alert == alertProtocolVersion || r.alert == alertNoApplicationProto) {
		return nil
	}
	return otherName(c, &r)
}

// otherName finds that the same hello with another name, or none, is answered.
func otherName(c *check.Case, r *refusal) *check.Verdict {
	f := c.Flow
	var v *check.Verdict
	for _, o := range c.Compared() {
		h := answered(o)
		if h == nil {
			continue
		}
		if h.ServerName == r.hello.ServerName {
			return nil // the name is known
		}
		if v != nil || !alike(r.hello, h) {
			continue
		}
		name := "no name"
		if h.ServerName != "" {
			name = check.Short(h.ServerName, 60)
		}
		v = &check.Verdict{Confidence: finding.Certain, Proof: append(r.proof(f), answer(f, o, "the same hello with "+name+" is answered")),
			Summary: fmt.Sprintf("Asked for %s, the origin %s; asked for %s with the same hello, it answers.", check.Short(r.hello.ServerName, 60), r.did(), name)}
		if r.how != fact.TLSAlert {
			v.Confidence, v.Settle = finding.Likely, "a capture on the origin: if it does not send the reset itself, a firewall filters by name (network.sni_reset)"
		}
	}
	if v != nil {
		x := r.contrast(c, r.same, func(_ *check.Flow, h *fact.ClientHello) bool { return alike(r.hello, h) })
		x.Temper(v)
	}
	return v
}
