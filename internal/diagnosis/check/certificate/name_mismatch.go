package certificate

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var nameMismatch = check.Check{
	Code:      "cert.name_mismatch",
	Title:     "the origin's certificate is for another name",
	Severity:  finding.Critical,
	Catalogue: []int{52},
	Refines:   []reason.Code{reason.CertNameMismatch, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert"},
	Text: `The name that the client looks for is none of the certificate's subjectAltNames. A wildcard stands for one whole label only:
*.shop.test is for www.shop.test, neither for shop.test nor for a.b.shop.test. nginx prints *upstream SSL certificate does not
match "X"*, HAProxy *Server presented an SSL certificate different from the expected one*, Go *x509: certificate is valid for A,
not B*. On the wire it is the client's alert bad_certificate (42) or certificate_unknown (46), or no alert at all, just a close.

Which name is looked for is the proxy's choice. nginx takes the host of proxy_pass unless proxy_ssl_name is set, which is often an
upstream group or an IP address; Go the host of the URL. So either the proxy looks for the wrong name, or the origin has the wrong
certificate: its default one, as it got no name (tls.sni_missing) or does not know it (tls.sni_rejected), or that of a neighbour,
after an address was moved (dns.stale_address).`,
	Asks: []string{"openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout -ext subjectAltName"},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Look for a name that the certificate has; it is sent as SNI too. \"verify: chain\" accepts any name, and so any site of the same authorities.",
			Lines: "origin:\n  tls:\n    server_name: {host}"},
		{On: finding.Nginx, Do: "As a proxy, state the name; as the origin, see that the server block of the name has its own certificate.", Lines: "proxy_ssl_server_name on;\nproxy_ssl_name {host};"},
		{On: finding.Apache, Do: "As the origin, see which virtual host answers for the name.", Lines: "apachectl -S"},
		{On: finding.IIS, Do: "See which certificate is bound to the name and which to the address; the address's wins where the name has none.",
			Lines: "netsh http show sslcert\nnetsh http add sslcert hostnameport={host}:443 certhash=<40 hex digits> appid={4dc3e181-e14b-4a21-b022-59fc669b0914} certstorename=MY"},
		{On: finding.Java, Do: "In Tomcat add an SSLHostConfig for the name.", Lines: `<SSLHostConfig hostName="{host}"><Certificate certificateKeystoreFile="conf/{host}.p12"/></SSLHostConfig>`},
		{On: finding.Node, Do: "As a client, give the name to look for; as the server, add a context for it.", Lines: "server.addContext('{host}', { key, cert })"},
		{On: finding.OpenSSL, Do: "Check a name.", Lines: "openssl s_client -connect {host}:443 -servername {host} -verify_hostname {host} -verify_return_error </dev/null"},
	},
	Sources: []string{"RFC 6125 section 6.4", "RFC 9110 section 4.3.4", "nginx: ngx_http_proxy_module, proxy_ssl_name"},
	Run:     runNameMismatch,
}

func runNameMismatch(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	leaf, name := j.leaf(), wanted(f)
	if leaf == nil {
		if !j.because(reason.CertNameMismatch) {
			return nil
		}
		return &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, "the origin's certificate"),
			Summary: "The origin's certificate was checked, and it is for another name (" + or(short(f.Detail), name) + ")."}
	}
	said := j.because(reason.CertNameMismatch)
	if len(leaf.Names) == 0 || name == "" || leaf.Error != "" && !said || covers(leaf.Names, name) && !said {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, fmt.Sprintf("the certificate is for %s", list(leaf.Names))),
		Summary: fmt.Sprintf("The certificate is for %s, and %s was wanted; %s.", list(leaf.Names), short(name), j.by())}
	switch {
	case said && covers(leaf.Names, name): // another name was looked for than we know
		v.Summary = fmt.Sprintf("The certificate is for %s, and that was not the name that was looked for (%s).", list(leaf.Names), or(short(f.Detail), "not known here"))
	case said:
	case j.vaguely(alertBadCertificate, alertCertificateUnknown) && valid(j.chain, j.now(f)):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: which name did it look for?"
	case j.taken:
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The certificate is for %s, and %s was wanted; this client does not check the name.", list(leaf.Names), short(name))
	default:
		return nil
	}
	return v
}
