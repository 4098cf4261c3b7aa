package certificate

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var expired = check.Check{
	Code:      "cert.expired",
	Title:     "the origin's certificate has expired",
	Severity:  finding.Critical,
	Catalogue: []int{50},
	Refines:   []reason.Code{reason.CertExpired, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert"},
	Text: `The certificate's notAfter is in the past, and the client refuses it: alert **certificate_expired (45)**, from some libraries
bad_certificate (42) or certificate_unknown (46). nginx prints *upstream SSL certificate verify error: (10:certificate has
expired)*, Go *x509: certificate has expired or is not yet valid* with both times, HAProxy only *certificate verify failed*.

Often a renewal did happen, but the server still holds the old certificate: nobody reloaded it, IIS is still bound to the old
thumbprint, one node of several was forgotten (cert.differs_between_nodes). Proxies that do not verify go on as if nothing were
wrong, and so it lasts for years.

An authority in the chain may be the expired one. Then clients differ, for many find another way to a root that they trust. When
*many* origins expire at the same moment, look at the clock of the client first (cert.clock_skew).`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} </dev/null | openssl x509 -noout -dates -serial`"},
	Mends: append([]finding.Mend{
		mendBind("Bind the renewed certificate: after an import the binding still names the old thumbprint."),
	}, renew()...),
	Sources: []string{"RFC 5280 section 4.1.2.5", "RFC 8446 section 6.2"},
	Run:     func(c *check.Case) *check.Verdict { return runDates(c, true) },
}

// renew is how servers take a new certificate.
func renew() []finding.Mend {
	return []finding.Mend{
		{On: finding.Nginx, Do: "Replace the file and reload: nginx reads certificates at start and reload only.", Lines: "certbot renew\nnginx -t && nginx -s reload"},
		{On: finding.Apache, Do: "Replace the file and reload.", Lines: "certbot renew\napachectl configtest && apachectl graceful"},
		{On: finding.Java, Do: "Replace the keystore and let Tomcat read it again, or restart it.", Lines: "keytool -list -v -keystore conf/keystore.p12 | grep until\ncurl -u admin 'http://localhost:8080/manager/text/sslReload'"},
		{On: finding.Node, Do: "Give the running server the new files, or restart it.", Lines: "server.setSecureContext({ key, cert })"},
		{On: finding.Lunette, Do: "To serve meanwhile, stop verifying: whoever is on the way can then read and change everything, so only in a trusted network, and not for long.",
			Lines: "origin:\n  tls:\n    verify: none"},
	}
}

// runDates looks for certificates that are out of date; late: expired, else not yet valid.
func runDates(c *check.Case, late bool) *check.Verdict {
	f := c.Flow
	j := judge(f)
	code := reason.CertNotYetValid
	if late {
		code = reason.CertExpired
	}
	now := j.now(f)
	bad, first := outOfDate(&j, now, late)
	words := "the origin's certificate"
	if bad != nil {
		words = dated(bad, now, late)
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, words), Summary: fmt.Sprintf("%s; %s.", check.Upper(words), j.by())}
	switch {
	case j.because(code):
		if bad == nil {
			v.Summary = "The certificates were checked, and one of them is out of date: " + or(check.Short(f.Detail, 80), string(code)) + "."
		}
	case bad != nil && first && j.vaguely(alertBadCertificate, alertUnsupportedCertificate, alertCertificateExpired, alertCertificateUnknown):
	case bad != nil && j.vaguely(alertCertificateExpired):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: which certificate did it refuse?"
	case j.chain == nil && late && j.vaguely(alertCertificateExpired):
		v.Confidence, v.Settle = finding.Likely, "the certificate: give the secrets, or openssl s_client -connect {origin} -servername {host} </dev/null | openssl x509 -noout -dates"
		v.Summary = "The client refused the origin's certificate with alert 45 (certificate_expired), which also stands for one that is not yet valid."
	case first && j.refused():
		v.Severity = finding.Info // the other cause comes first
		v.Summary = check.Upper(words) + ", though it was refused for something else."
	case first && j.taken:
		v.Severity = finding.Warning
		v.Summary = check.Upper(words) + "; it works only because this client does not check."
	default:
		return nil
	}
	return v
}

// outOfDate is the first certificate that is out of date at now, nil without; leaf: it is the server's own.
func outOfDate(j *judgement, now time.Time, late bool) (bad *fact.Certificate, leaf bool) {
	for i := range j.chain {
		if x := &j.chain[i]; late && !x.NotAfter.IsZero() && now.After(x.NotAfter) || !late && now.Before(x.NotBefore) {
			return x, i == 0
		}
	}
	return nil, false
}

func dated(x *fact.Certificate, now time.Time, late bool) string {
	if late {
		return fmt.Sprintf("the certificate of %s expired on %s, %s ago", check.Short(x.Subject, 80), day(x.NotAfter), days(now.Sub(x.NotAfter)))
	}
	return fmt.Sprintf("the certificate of %s is valid from %s, in %s", check.Short(x.Subject, 80), day(x.NotBefore), days(x.NotBefore.Sub(now)))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
