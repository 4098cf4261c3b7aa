package certificate

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var commonNameOnly = check.Check{
	Code:      "cert.common_name_only",
	Title:     "the origin's certificate has its name in the common name only",
	Severity:  finding.Critical,
	Catalogue: []int{53},
	Refines:   []reason.Code{reason.CertNoSAN, reason.CertNameMismatch, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"cert.name_mismatch", "tls.handshake_alert"},
	Text: `The certificate has no **subjectAltName**; the host name stands in the subject's common name (CN) alone, as it was done before
2000 and still is by old scripts around *openssl req*. RFC 2818 deprecated that, RFC 9525 forbids it. Go refuses since 1.15:
*x509: certificate relies on legacy Common Name field, use SANs instead*; browsers refuse too. OpenSSL (nginx, HAProxy, curl) and
Java still accept, so the same origin works behind one proxy and fails behind another.

In the TLS handshake it shows in the Certificate message: no extension with names. A certificate with names, of which none fits,
is cert.name_mismatch.`,
	Asks: []string{"`openssl s_client -connect {origin} </dev/null | openssl x509 -noout -subject -ext subjectAltName`"},
	Mends: []finding.Mend{
		{On: finding.OpenSSL, Do: "Have it issued anew with the name as subjectAltName.",
			Lines: "openssl req -new -newkey rsa:2048 -nodes -keyout {host}-new.key -out {host}-new.csr -subj '/CN={host}' -addext 'subjectAltName=DNS:{host}'"},
		{On: finding.IIS, Do: "Make the request with the name as an extension; the dialog \"Create Certificate Request\" of IIS Manager adds none.",
			Lines: `; request.inf
[NewRequest]
Subject = "CN={host}"
KeyLength = 2048
MachineKeySet = TRUE
[Extensions]
2.5.29.17 = "{text}"
_continue_ = "dns={host}"
; then, in PowerShell as administrator
certreq -new request.inf request.csr`},
		{On: finding.Java, Do: "Make the request with the extension.", Lines: "keytool -certreq -alias tomcat -ext san=dns:{host} -keystore conf/keystore.p12"},
		{On: finding.Lunette, Do: "Until then do not look at the name: any certificate of the stated authority is taken, so state one that issues for this origin alone.",
			Lines: "origin:\n  tls:\n    verify: chain\n    ca: origin-ca.pem"},
	},
	Sources: []string{"RFC 9525 section 2", "RFC 6125 section 6.4.4", "Go 1.15 release notes, crypto/x509"},
	Run:     runCommonNameOnly,
}

func runCommonNameOnly(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	leaf := j.leaf()
	if leaf == nil && !j.because(reason.CertNoSAN) || leaf != nil && (len(leaf.Names) > 0 || leaf.Error != "" && !j.because(reason.CertNoSAN)) {
		return nil
	}
	cn := ""
	if leaf != nil {
		cn = commonName(leaf.Subject)
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, "the certificate has no subjectAltName; its common name is "+or(check.Short(cn, 80), "not known")),
		Summary: fmt.Sprintf("The certificate has no subjectAltName, only the common name %s; %s.", or(check.Short(cn, 80), "(not known)"), j.by())}
	switch {
	case j.because(reason.CertNoSAN, reason.CertNameMismatch):
	case leaf != nil && j.vaguely(alertBadCertificate, alertCertificateUnknown) && valid(j.chain, j.now(f)) && !selfIssued(leaf) && (wanted(f) == "" || strings.EqualFold(cn, wanted(f))):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: Go says \"relies on legacy Common Name field\""
	case j.taken:
		v.Severity, v.Summary = finding.Info, fmt.Sprintf("The certificate has no subjectAltName, only the common name %s; this client took it, others refuse.", or(check.Short(cn, 80), "(not known)"))
	default:
		return nil
	}
	return v
}
