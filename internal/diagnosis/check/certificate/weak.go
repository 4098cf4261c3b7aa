package certificate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// enoughBits is how long an RSA key should be (NIST SP 800-57, the CA/Browser Forum's baseline).
const enoughBits = 2048

var weak = check.Check{
	Code:      "cert.weak",
	Title:     "the origin's certificate is signed with a broken hash or has a key that is too short",
	Severity:  finding.Critical,
	Catalogue: []int{54},
	Refines:   []reason.Code{reason.TLSWeakKeyOrHash, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert"},
	Text: `A certificate of the chain is signed with **SHA-1 or MD5**, or holds an RSA key of less than 2,048 bits. Libraries refuse them at
different thresholds, so that the same origin works with one client and not with the next: OpenSSL from security level 1 refuses
MD5 and SHA-1 and RSA below 1,024 bits, at level 2 (Debian, Ubuntu, OpenSSL 3.2) RSA below 2,048; Go refuses SHA-1 signatures
since 1.18 and RSA below 1,024 bits since 1.24; Java by jdk.certpath.disabledAlgorithms.

nginx prints *(68:CA signature digest algorithm too weak)* or *(66:EE certificate key too weak)*, Go *x509: cannot verify
signature: insecure algorithm SHA1-RSA*, Java *Certificates do not conform to algorithm constraints*. On the wire it is
bad_certificate (42), sometimes unknown_ca (48).

The signature of a **root** does not count: it is trusted because it is at hand. What counts are the leaf and the intermediates.`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} -showcerts </dev/null | openssl x509 -noout -text | grep -E 'Signature Algorithm|Public-Key'`"},
	Mends: []finding.Mend{
		{On: finding.OpenSSL, Do: "Make a new key and request; have it signed with SHA-256.",
			Lines: "openssl req -new -newkey rsa:2048 -sha256 -nodes -keyout {host}-new.key -out {host}-new.csr -subj '/CN={host}' -addext 'subjectAltName=DNS:{host}'"},
		{On: finding.IIS, Do: "A Windows authority that still signs with SHA-1 is told to use SHA-256, for all that it signs from then on; then renew the certificates.",
			Lines: `# PowerShell, as administrator, on the authority
certutil -getreg ca\csp\CNGHashAlgorithm
certutil -setreg ca\csp\CNGHashAlgorithm SHA256
Restart-Service certsvc`},
		{On: finding.Java, Do: "Make a new key pair.",
			Lines: "keytool -genkeypair -alias tomcat-new -keyalg RSA -keysize 2048 -sigalg SHA256withRSA -ext san=dns:{host} -keystore conf/keystore.p12"},
		{On: finding.Nginx, Do: "As a proxy only, and in a trusted network only: accept weak certificates of this origin.", Lines: "proxy_ssl_ciphers DEFAULT@SECLEVEL=0;"},
		{On: finding.Lunette, Do: "Until then do not verify: whoever is on the way can then read and change everything, so only in a trusted network.", Lines: "origin:\n  tls:\n    verify: none"},
	},
	Sources: []string{"RFC 9155", "NIST SP 800-57 part 1", "OpenSSL: SSL_CTX_set_security_level", "Go 1.18 release notes, crypto/x509"},
	Run:     runWeak,
}

func runWeak(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	who, what := weakest(j.chain)
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, or(check.Short(who, 80), "a certificate of the chain")+" has "+or(what, "a signature or a key that is too weak")),
		Summary: fmt.Sprintf("The certificate of %s has %s; %s.", check.Short(who, 80), what, j.by())}
	switch {
	case j.because(reason.TLSWeakKeyOrHash):
		if what == "" {
			v.Summary = "The certificates were checked, and one of them is too weak (" + or(check.Short(f.Detail, 80), "hash or key") + ")."
		}
	case what == "":
		return nil
	case j.vaguely(alertBadCertificate, alertUnsupportedCertificate, alertCertificateUnknown) && valid(j.chain, j.now(f)):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: OpenSSL says \"too weak\""
	case j.vaguely(alertUnknownCA):
		v.Confidence, v.Settle = finding.Possible, "the client's own log: alert 48 means mostly that the authority is unknown"
	case j.taken:
		v.Severity, v.Summary = finding.Info, fmt.Sprintf("The certificate of %s has %s; this client took it, others refuse.", check.Short(who, 80), what)
	default:
		return nil
	}
	return v
}

// weakest is the first certificate that is weak and how; roots do not count.
func weakest(chain []fact.Certificate) (who, what string) {
	for i := range chain {
		if i > 0 && selfIssued(&chain[i]) {
			continue
		}
		if what := weakness(&chain[i]); what != "" {
			return chain[i].Subject, what
		}
	}
	return "", ""
}

// weakness says in what a certificate is weak, "" for none.
func weakness(x *fact.Certificate) string {
	if bits, ok := strings.CutPrefix(x.Key, "RSA "); ok {
		if n, err := strconv.Atoi(bits); err == nil && n < enoughBits {
			return fmt.Sprintf("an RSA key of %d bits", n)
		}
	}
	if selfIssued(x) {
		return "" // nobody checks the signature
	}
	for _, hash := range [...]string{"SHA1", "MD5", "MD2"} {
		if strings.HasPrefix(x.Signature, hash) || strings.HasSuffix(x.Signature, "-"+hash) {
			return "a signature with " + hash + " (" + x.Signature + ")"
		}
	}
	return ""
}
