package certificate

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var selfSigned = check.Check{
	Code:      "cert.self_signed",
	Title:     "the origin's certificate is signed by itself",
	Severity:  finding.Critical,
	Catalogue: []int{49},
	Refines:   []reason.Code{reason.CertSelfSigned, reason.CertUnknownCA, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"cert.unknown_ca", "tls.handshake_alert"},
	Text: `Issuer and subject of the server's own certificate are the same: no authority vouches for it, so a client can trust it only if it
was told about this very certificate. nginx prints *(18:self-signed certificate)*, Go *x509: certificate signed by unknown
authority*, OpenSSL's clients send unknown_ca (48).

Besides certificates made by hand it is often the **default** of a product, which shows that something else is missing: IIS
Express and Windows' remote management, Kubernetes' *Kubernetes Ingress Controller Fake Certificate*, Traefik's *TRAEFIK DEFAULT
CERT*, Debian's *snakeoil*, Plesk and cPanel. Then the name (SNI) was not sent or not known, and the default answered: see
tls.sni_missing before the certificate is blamed.

A chain that ends at a private root, sent or not, is cert.unknown_ca.`,
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Trust this certificate: give it as the authority. Compare its SHA-256 with the origin's first.",
			Lines: "origin:\n  tls:\n    ca: origin.pem    # openssl s_client -connect {origin} -servername {host} </dev/null | openssl x509 -out origin.pem"},
		mendBind("Bind a certificate of an authority."),
		{On: finding.Nginx, Do: "Set a certificate of an authority for the name; a server block of its own, else the default's is used.", Lines: "server_name {host};\nssl_certificate /etc/nginx/{host}-fullchain.pem;\nssl_certificate_key /etc/nginx/{host}.key;"},
		{On: finding.Apache, Do: "Set a certificate of an authority for the name.", Lines: "ServerName {host}\nSSLCertificateFile /etc/ssl/{host}-fullchain.pem\nSSLCertificateKeyFile /etc/ssl/{host}.key"},
		{On: finding.Java, Do: "Import the authority's answer into the keystore, over the self-signed one.", Lines: "keytool -importcert -alias tomcat -file {host}-fullchain.pem -keystore conf/keystore.p12"},
	},
	Sources: []string{"RFC 5280 section 3.2", "OpenSSL: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT (18)"},
	Run:     runSelfSigned,
}

func runSelfSigned(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	leaf := j.leaf()
	if leaf == nil && !j.because(reason.CertSelfSigned) || leaf != nil && !selfIssued(leaf) {
		return nil
	}
	who, key := "The origin's certificate", ""
	if leaf != nil {
		who, key = "The certificate of "+check.Short(leaf.Subject, 80), " (SHA-256 "+leaf.SHA256+")"
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, "the certificate names itself as its issuer"+key), Summary: fmt.Sprintf("%s is signed by itself; %s.", who, j.by())}
	switch {
	case j.because(reason.CertSelfSigned, reason.CertUnknownCA) || j.vaguely(alertUnknownCA):
	case j.vaguely(alertBadCertificate, alertCertificateUnknown):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: for what did it refuse the certificate?"
	case j.taken:
		v.Severity, v.Summary = finding.Info, who+" is signed by itself; this client took it."
	default:
		return nil
	}
	return v
}
