package certificate

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var chainIncomplete = check.Check{
	Code:      "cert.chain_incomplete",
	Title:     "the origin does not send the intermediate certificate",
	Severity:  finding.Critical,
	Catalogue: []int{48},
	Refines:   []reason.Code{reason.CertChainGap, reason.CertUnknownCA, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"cert.unknown_ca", "tls.handshake_alert"},
	Text: `A server has to send its certificate **and the intermediates** up to the root, which may be left out (RFC 8446 section 4.4.2).
When it sends its own alone, a client cannot build the chain: nginx prints *(21:unable to verify the first certificate)*, Go
*x509: certificate signed by unknown authority*, Java *PKIX path building failed*.

**Browsers work**, which misleads everybody: they fetch the missing certificate from the address that the leaf names
(authorityInfoAccess), or have it from another site. Libraries do not. Windows does fetch, so that IIS itself and PowerShell on it
see nothing wrong.

It differs from a private authority (cert.unknown_ca) in who has to act. This is stated only where the last certificate sent is no
authority's and names the address of its issuer, or where another connection showed the missing one.`,
	Asks: []string{
		"`openssl s_client -connect {origin} -servername {host} -showcerts </dev/null`: how many certificates come?",
		"`openssl x509 -in leaf.pem -noout -ext authorityInfoAccess`; fetch the \"CA Issuers\" address and verify again with it as -untrusted",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Import the intermediate into Local Computer > Intermediate Certification Authorities, then bind the certificate again (cert.expired says how) or restart the machine: Schannel builds the chain then.",
			Lines: "# PowerShell, as administrator\ncertutil -addstore CA intermediate.cer\ncertutil -verify -urlfetch leaf.cer"},
		{On: finding.Nginx, Do: "Put the intermediates behind the certificate in one file (fullchain.pem of ACME clients) and reload.",
			Lines: "cat {host}.crt intermediate.crt > /etc/nginx/{host}-fullchain-new.pem\n# in the server block\nssl_certificate /etc/nginx/{host}-fullchain-new.pem;\n# then\nnginx -t && nginx -s reload"},
		{On: finding.Apache, Do: "Since 2.4.8 the same file holds both.", Lines: "SSLCertificateFile /etc/ssl/{host}-fullchain.pem"},
		{On: finding.Java, Do: "Import certificate and intermediates together into the keystore entry of the key.",
			Lines: "openssl pkcs12 -export -in {host}-fullchain.pem -inkey {host}.key -out keystore-new.p12 -name tomcat"},
		{On: finding.Node, Do: "Let \"cert\" hold the leaf and the intermediates.", Lines: "https.createServer({ key, cert: fs.readFileSync('fullchain.pem') })"},
		{On: finding.OpenSSL, Do: "Prove it: with the intermediate at hand the leaf verifies.", Lines: "openssl verify -untrusted intermediate.pem leaf.pem"},
		{On: finding.Lunette, Do: "Until the origin sends it, trust the intermediate as an authority for this origin.", Lines: "origin:\n  tls:\n    ca: intermediate.pem"},
	},
	Sources: []string{"RFC 8446 section 4.4.2", "RFC 5280 section 4.2.2.1", "OpenSSL: X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE (21)"},
	Run:     runChainIncomplete,
}

func runChainIncomplete(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	said := j.because(reason.CertUnknownCA, reason.CertChainGap) || j.vaguely(alertUnknownCA)
	if !said && !j.taken && !j.vaguely(alertBadCertificate, alertCertificateUnknown) {
		return nil
	}
	if len(j.chain) == 0 {
		if !j.because(reason.CertChainGap) {
			return nil
		}
		return &check.Verdict{Confidence: finding.Likely, Proof: j.proof(f, "the origin's certificate"), Settle: "the missing certificate, fetched: does the leaf verify with it?",
			Summary: "The chain that the origin sent ends before a root (" + or(check.Short(f.Detail, 80), "an intermediate is missing") + ")."}
	}
	top := topmost(j.chain)
	if selfIssued(top) || !said && !j.taken && !sound(f, &j) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Likely, Proof: j.proof(f, fmt.Sprintf("%s; the last one, %s, is issued by %s, which was not sent", check.Count(len(j.chain), "certificate"), check.Short(top.Subject, 80), check.Short(top.Issuer, 80))),
		Settle:  "the missing certificate, fetched from " + list(top.Issuers) + ": does the leaf verify with it?",
		Summary: fmt.Sprintf("The origin sends %s and leaves out that of %s, which issued the last one; %s.", check.Count(len(j.chain), "certificate"), check.Short(top.Issuer, 80), j.by())}
	elsewhere := intermediate(c, top)
	switch {
	case elsewhere != nil && said:
		v.Confidence, v.Settle = finding.Certain, ""
		v.Proof = append(v.Proof, f.ProofOther(elsewhere, "on another connection the origin sends it"))
	case top.CA || len(top.Issuers) == 0:
		return nil // its issuer may be a root
	case j.taken:
		v.Severity, v.Settle = finding.Info, "the missing certificate: a client that does not know it will refuse"
		v.Summary = fmt.Sprintf("The origin sends %s and leaves out that of %s, which issued the last one; this client took it, others will not.", check.Count(len(j.chain), "certificate"), check.Short(top.Issuer, 80))
	case !said:
		v.Confidence = finding.Possible
	}
	return v
}

// intermediate is the fact in which another connection shows the issuer of top, nil without; a root may be left out and does not count.
func intermediate(c *check.Case, top *fact.Certificate) *fact.Fact {
	for _, o := range c.Compared() {
		chain, at := o.Chain()
		for i := range chain {
			if chain[i].Subject == top.Issuer && !selfIssued(&chain[i]) {
				return &o.Facts[at]
			}
		}
	}
	return nil
}
