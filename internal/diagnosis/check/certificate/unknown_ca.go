package certificate

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var unknownCA = check.Check{
	Code:      "cert.unknown_ca",
	Title:     "the origin's certificate comes from an authority that the client does not trust",
	Severity:  finding.Critical,
	Catalogue: []int{49},
	Refines:   []reason.Code{reason.CertUnknownCA, reason.CertChainGap, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert"},
	Text: `The client cannot lead the chain that was sent to a root that it trusts, and says **unknown_ca (48)** (Java: certificate_unknown,
46). nginx prints *(20:unable to get local issuer certificate)*, *(21:unable to verify the first certificate)* or *(19:self-signed
certificate in certificate chain)*, Go *x509: certificate signed by unknown authority*, Java *PKIX path building failed*.

The same words stand for two different things: a **private authority** (a company's own, a firewall's, a test's), which the client
must be told of, and an **intermediate that was not sent** (cert.chain_incomplete), which the origin must send. A chain whose last
certificate is a root is the former. Where it ends earlier the wire alone does not tell, unless the missing one is known from
elsewhere.

A public site whose issuer is suddenly a firewall's or an anti-virus program's is being inspected (network.tls_inspected). Old
clients also lack new public roots: update ca-certificates before anything else.`,
	Asks: []string{
		"Is the issuer a company's own authority, or a public one? `openssl s_client -connect {origin} -servername {host} -showcerts </dev/null`",
		"Does a browser that never visited the site trust it? Then an intermediate is missing, else the authority is private.",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Trust this origin's authority, for this origin alone.", Lines: "origin:\n  tls:\n    ca: origin-ca.pem    # the root, PEM"},
		{On: finding.Nginx, Do: "As a proxy, trust the authority; as the origin, send the whole chain (leaf, then intermediates).",
			Lines: "# as a proxy\nproxy_ssl_trusted_certificate /etc/nginx/origin-ca.pem;\nproxy_ssl_verify on;\nproxy_ssl_verify_depth 3;\n# as the origin\nssl_certificate /etc/nginx/{host}-fullchain.pem;"},
		{On: finding.Apache, Do: "As a proxy, trust the authority.", Lines: "SSLProxyCACertificateFile /etc/ssl/origin-ca.pem"},
		{On: finding.IIS, Do: "Where Windows is the client (ARR), import the root into the machine's store: every program of the machine then trusts all that it signs.", Lines: "# PowerShell, as administrator\ncertutil -addstore Root origin-ca.cer"},
		{On: finding.Java, Do: "As a client, import the root into a trust store of the application's own (javax.net.ssl.trustStore); with -cacerts all programs of that Java would trust it.",
			Lines: "keytool -importcert -alias origin-ca -file origin-ca.pem -keystore conf/origin-trust.p12"},
		{On: finding.Node, Do: "As a client, add the root; it must be set before the process starts.", Lines: "NODE_EXTRA_CA_CERTS=/etc/ssl/origin-ca.pem node app.js"},
		{On: finding.OpenSSL, Do: "See whether the root makes it valid.", Lines: "openssl s_client -connect {origin} -servername {host} -CAfile origin-ca.pem -verify_return_error </dev/null"},
	},
	Sources: []string{"RFC 8446 section 6.2", "RFC 5280 section 6.1", "OpenSSL: X509_V_ERR codes 18 to 21"},
	Run:     runUnknownCA,
}

func runUnknownCA(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	plain := j.because(reason.CertUnknownCA, reason.CertChainGap) || j.vaguely(alertUnknownCA)
	if !plain && !j.vaguely(alertBadCertificate, alertCertificateUnknown) {
		return nil
	}
	if len(j.chain) == 0 {
		if !plain {
			return nil
		}
		return &check.Verdict{Confidence: finding.Likely, Proof: j.proof(f, "the origin's certificate"), Settle: "the certificates: openssl s_client -connect {origin} -servername {host} -showcerts </dev/null",
			Summary: "The client does not trust the authority of the origin's certificate (unknown_ca), or an intermediate was not sent."}
	}
	if selfIssued(j.leaf()) {
		return nil
	}
	top := topmost(j.chain)
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, fmt.Sprintf("%s; the last one, %s, is issued by %s", check.Count(len(j.chain), "certificate"), check.Short(top.Subject, 80), check.Short(top.Issuer, 80))),
		Summary: fmt.Sprintf("The chain ends at the root %s, which the client does not trust.", check.Short(top.Subject, 80))}
	switch {
	case !plain && !sound(f, &j):
		return nil
	case !plain:
		v.Confidence, v.Settle = finding.Likely, "the client's own log: alert "+fmt.Sprint(j.alert)+" is also sent for other faults, such as name constraints"
		if wanted(f) == "" {
			v.Confidence = finding.Possible // the name may be what was refused
		}
		v.Summary = fmt.Sprintf("The client refused a certificate without another visible fault with alert %d; it is issued by %s.", j.alert, check.Short(top.Issuer, 80))
	case !selfIssued(top):
		v.Confidence, v.Settle = finding.Likely, "the certificate of "+check.Short(top.Issuer, 80)+": a root that is trusted nowhere else, or an intermediate that the origin should send"
		v.Summary = fmt.Sprintf("The client does not trust %s, which issued the last of %s sent, or that authority's own certificate is missing.", check.Short(top.Issuer, 80), check.Count(len(j.chain), "certificate"))
	}
	return v
}

// sound reports whether the leaf shows no fault of its own: dates, name, use, strength.
func sound(f *check.Flow, j *judgement) bool {
	leaf := j.leaf()
	name := wanted(f)
	return valid(j.chain, j.now(f)) && len(leaf.Names) > 0 && (name == "" || covers(leaf.Names, name)) && serves(leaf) && weakness(leaf) == "" && leaf.Error == ""
}
