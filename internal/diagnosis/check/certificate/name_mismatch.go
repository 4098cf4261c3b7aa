package certificate

import (
	"fmt"
	"strings"

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
not B*. On the wire it is the client's alert bad_certificate (42) or certificate_unknown (46), or no alert at all, just a
close: clients with OpenSSL (curl, nginx as a proxy, Python) compare the name when the handshake is over, and leave without a request.

Which name is looked for is the proxy's choice. nginx takes the host of proxy_pass unless proxy_ssl_name is set, which is often an
upstream group or an IP address; Go the host of the URL. So either the proxy looks for the wrong name, or the origin has the wrong
certificate: its default one, as it got no name (tls.sni_missing) or does not know it (tls.sni_rejected), or that of a neighbour,
after an address was moved (dns.stale_address).`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} </dev/null | openssl x509 -noout -ext subjectAltName`"},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Look for a name that the certificate has; it is sent as SNI too. \"verify: chain\" instead accepts any name, and so any site of the same authorities.",
			Lines: "origin:\n  tls:\n    server_name: name-in-the-certificate.example"},
		{On: finding.Nginx, Do: "As a proxy, state a name that the certificate has; as the origin, see that the server block of the name has its own certificate.",
			Lines: "# as a proxy\nproxy_ssl_server_name on;\nproxy_ssl_name NAME-IN-THE-CERTIFICATE;\n# as the origin\nnginx -T | grep -nE 'listen|server_name|ssl_certificate '"},
		{On: finding.Apache, Do: "As the origin, see which virtual host answers for the name.", Lines: "apachectl -S"},
		{On: finding.IIS, Do: "See which certificate is bound to the name and which to the address. http.sys looks for the exact address and port first, then for the name, then the central store, then 0.0.0.0: a binding to ADDRESS:PORT wins over the one to the name, whatever that says. Where the name has none, add it.",
			Lines: "# PowerShell, as administrator\nnetsh http show sslcert ipport={origin}\nnetsh http show sslcert hostnameport={host}:{port}\nnetsh http add sslcert hostnameport={host}:{port} certhash=THUMBPRINT appid=\"{4dc3e181-e14b-4a21-b022-59fc669b0914}\" certstorename=MY"},
		{On: finding.Java, Do: "In Tomcat add an SSLHostConfig for the name.", Lines: `<SSLHostConfig hostName="{host}"><Certificate certificateKeystoreFile="conf/{host}.p12"/></SSLHostConfig>`},
		{On: finding.Node, Do: "As a client, give the name to look for; as the server, add a context for it.", Lines: "server.addContext('{host}', { key, cert })"},
		{On: finding.OpenSSL, Do: "Check a name.", Lines: "openssl s_client -connect {origin} -servername {host} -verify_hostname {host} -verify_return_error </dev/null"},
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
			Summary: "The origin's certificate was checked, and it is for another name (" + or(check.Short(f.Detail, 80), name) + ")."}
	}
	said := j.because(reason.CertNameMismatch)
	if len(leaf.Names) == 0 || name == "" || leaf.Error != "" && !said || covers(leaf.Names, name) && !said {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, fmt.Sprintf("the certificate is for %s", list(leaf.Names))),
		Summary: fmt.Sprintf("The certificate is for %s, and %s was wanted; %s.", list(leaf.Names), check.Short(name, 80), j.by())}
	switch {
	case said && covers(leaf.Names, name): // another name was looked for than we know
		v.Summary = fmt.Sprintf("The certificate is for %s, and that was not the name that was looked for (%s).", list(leaf.Names), or(check.Short(f.Detail, 80), "not known here"))
	case said:
	case j.vaguely(alertBadCertificate, alertCertificateUnknown) && valid(j.chain, j.now(f)):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: which name did it look for?"
	case j.taken && left(c) >= 0:
		v.Confidence, v.Settle = finding.Likely, "the client's own log; a probe that wants no more than a handshake leaves like this"
		v.Proof = append(v.Proof, f.Proof(left(c), "the client leaves behind the handshake, without a request"))
		v.Summary = fmt.Sprintf("The certificate is for %s, and %s was wanted; the client completed the handshake and left at once, without a request.", list(leaf.Names), check.Short(name, 80))
	case j.taken:
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The certificate is for %s, and %s was wanted; this client does not check the name.", list(leaf.Names), check.Short(name, 80))
		if len(f.Exchanges()) == 0 && f.FirstOf(fact.SideClient, fact.TLSApplicationData) < 0 {
			v.Summary = fmt.Sprintf("The certificate is for %s, and %s was wanted; nothing was asked for on this connection.", list(leaf.Names), check.Short(name, 80))
		}
	default:
		return nil
	}
	v.Mends, v.Without = mendName(leaf.Names)
	return v
}

// left is where the client left behind the handshake without a request, -1 without, or where the same client asks elsewhere under the same
// certificate and name: then it does not check them.
func left(c *check.Case) int {
	at := c.Flow.LeftUnasked()
	chain, _ := c.Flow.Chain()
	for _, o := range c.Others {
		theirs, _ := o.Chain()
		if at < 0 || o.Client.Addr() != c.Flow.Client.Addr() || wanted(o) != wanted(c.Flow) || len(theirs) == 0 || theirs[0].SHA256 != chain[0].SHA256 {
			continue
		}
		if len(o.Exchanges()) > 0 || o.Established() && o.FirstOf(fact.SideClient, fact.TLSApplicationData) >= 0 {
			return -1
		}
	}
	return at
}

// mendName lets proxies look for a name that the certificate has, the first that can be looked for.
func mendName(names []string) ([]finding.Mend, []finding.System) {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "DNS:"); !check.IsHostName(n) || !strings.Contains(n, ".") {
			continue
		}
		return []finding.Mend{
			{On: finding.Lunette, Do: "Look for the name that the certificate has, if this is the right origin; it is sent as SNI too. \"verify: chain\" instead accepts any name, and so any site of the same authorities.",
				Lines: "origin:\n  tls:\n    server_name: " + n},
			{On: finding.Nginx, Do: "As a proxy, look for the name that the certificate has; as the origin, see that the server block of the name has its own certificate.",
				Lines: "# as a proxy\nproxy_ssl_server_name on;\nproxy_ssl_name " + n + ";\n# as the origin\nnginx -T | grep -nE 'listen|server_name|ssl_certificate '"},
		}, []finding.System{finding.Lunette, finding.Nginx}
	}
	return nil, nil
}
