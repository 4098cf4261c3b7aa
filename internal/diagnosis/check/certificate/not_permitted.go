package certificate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var notPermitted = check.Check{
	Code:      "cert.not_permitted",
	Title:     "a certificate of the origin's is used for what it is not permitted for",
	Severity:  finding.Critical,
	Catalogue: []int{55},
	Refines:   []reason.Code{reason.CertBadUsage, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"cert.unknown_ca", "tls.handshake_alert"},
	Text: `The certificate is genuine and in date, but not *for this*. Three cases: its **extended key usage** lacks serverAuth (a client's
certificate, or one for code, was installed on a server); its issuer is **no authority** (basicConstraints CA:FALSE) and may not
sign; or an authority above it may sign only for certain names (**name constraints**), of which this is none.

nginx prints *(26:unsuitable certificate purpose)*, *(79:invalid CA certificate)* or *(47:permitted subtree violation)*, Go *x509:
certificate specifies an incompatible key usage*, *parent certificate cannot sign this kind of certificate* or *a root or
intermediate certificate is not authorized to sign for this name*. On the wire: unsupported_certificate (43), or 42, 46, 48.

All three can be read from the certificates, where the authority was sent: a root's constraints are told only by who checked them.
A certificate without any extended key usage is good for all uses.`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} -showcerts </dev/null`; each one through `openssl x509 -noout -ext extendedKeyUsage,basicConstraints,nameConstraints`"},
	Mends: []finding.Mend{
		{On: finding.OpenSSL, Do: "Have it issued anew for servers, by an authority that may.", Lines: "# extensions of the leaf\nbasicConstraints = CA:FALSE\nkeyUsage = digitalSignature, keyEncipherment\nextendedKeyUsage = serverAuth\nsubjectAltName = DNS:{host}"},
		{On: finding.IIS, Do: "Choose a template with Server Authentication (1.3.6.1.5.5.7.3.1), such as \"Web Server\", and bind the new certificate.", Lines: "# PowerShell, as administrator\ncertutil -store My\ncertreq -submit -attrib \"CertificateTemplate:WebServer\" request.csr"},
		{On: finding.Java, Do: "Ask for the usage in the request.", Lines: "keytool -certreq -alias tomcat -ext eku=serverAuth -ext san=dns:{host} -keystore conf/keystore.p12"},
		{On: finding.Lunette, Do: "Until then do not verify: whoever is on the way can then read and change everything, so only in a trusted network.", Lines: "origin:\n  tls:\n    verify: none"},
	},
	Sources: []string{"RFC 5280 sections 4.2.1.9, 4.2.1.10 and 4.2.1.12", "OpenSSL: X509_V_ERR codes 26, 47 and 79"},
	Run:     runNotPermitted,
}

func runNotPermitted(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	what := misuse(j.chain)
	if leaf := j.leaf(); what == "" && leaf != nil && leaf.CA && !selfIssued(leaf) && (j.taken || j.vaguely(alertUnsupportedCertificate)) {
		what = fmt.Sprintf("the certificate of %s is an authority's (CA:TRUE), used as a server's", check.Short(leaf.Subject, 80))
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, or(what, "the origin's certificates")), Summary: check.Upper(or(what, "the certificate is not permitted for this use")) + "; " + j.by() + "."}
	switch {
	case j.because(reason.CertBadUsage):
		if what == "" {
			v.Summary = "The certificates were checked, and one of them is not permitted for this (" + or(check.Short(f.Detail, 80), "usage or name constraints") + ")."
		}
	case what == "":
		return nil
	case j.vaguely(alertUnsupportedCertificate):
	case j.vaguely(alertBadCertificate, alertCertificateUnknown) && constrained(j.chain) == what && valid(j.chain, j.now(f)):
	case j.vaguely(alertBadCertificate, alertCertificateUnknown, alertUnknownCA) && valid(j.chain, j.now(f)):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: for what did it refuse the certificate?"
	case j.taken:
		v.Severity, v.Summary = finding.Info, check.Upper(what)+"; this client took it, others refuse."
	default:
		return nil
	}
	return v
}

// misuse says what a chain is not permitted for, as far as it can be read; "" for nothing.
func misuse(chain []fact.Certificate) string {
	if len(chain) == 0 {
		return ""
	}
	if !serves(&chain[0]) {
		return fmt.Sprintf("the certificate of %s is for %s, not for servers (extended key usage)", check.Short(chain[0].Subject, 80), list(chain[0].ExtKeyUsage))
	}
	for i := range chain {
		if k := above(chain, i); k >= 0 && k != i && !chain[k].CA && chain[k].Error == "" {
			return fmt.Sprintf("the certificate of %s is issued by %s, which is no authority (CA:FALSE)", check.Short(chain[i].Subject, 80), check.Short(chain[k].Subject, 80))
		}
	}
	return constrained(chain)
}

// constrained says which name an authority that was sent may not sign for (RFC 5280 section 4.2.1.10), "" for none.
func constrained(chain []fact.Certificate) string {
	for i := range chain {
		a := &chain[i]
		if !a.CA || len(a.Permitted)+len(a.Excluded) == 0 || i == 0 {
			continue
		}
		for _, n := range chain[0].Names {
			n = strings.TrimPrefix(strings.ToLower(n), "*.")
			if _, err := netip.ParseAddr(n); err == nil || strings.HasPrefix(n, "and ") {
				continue
			}
			if len(a.Permitted) > 0 && !within(n, a.Permitted) || within(n, a.Excluded) {
				return fmt.Sprintf("the authority %s may not sign for %s (name constraints)", check.Short(a.Subject, 80), check.Short(n, 80))
			}
		}
	}
	return ""
}

// within reports whether name is one of the domains or below one of them.
func within(name string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool {
		d = strings.ToLower(d)
		return strings.HasPrefix(d, "and ") || name == strings.TrimPrefix(d, ".") || strings.HasSuffix(name, "."+strings.TrimPrefix(d, "."))
	})
}

// serves reports whether a certificate is good for servers, by its extended key usage.
func serves(x *fact.Certificate) bool {
	return len(x.ExtKeyUsage) == 0 || slices.Contains(x.ExtKeyUsage, "serverAuth") || slices.Contains(x.ExtKeyUsage, "anyExtendedKeyUsage")
}
