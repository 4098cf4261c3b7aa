package handshake

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var weakSignature = check.Check{
	Code:      "tls.weak_signature",
	Title:     "the origin signs its key exchange with SHA-1 or MD5",
	Severity:  finding.Critical,
	Catalogue: []int{54},
	Refines:   []reason.Code{reason.TLSWeakKeyOrHash},
	On:        []fact.Kind{fact.TLSServerHello, fact.TLSServerKeyExchange},
	Silences:  []finding.Code{"tls.handshake_alert", "tls.no_common_version"},
	Text: `With (EC)DHE the origin signs its part of the key exchange (ServerKeyExchange). TLS 1.2 lets both sides agree on the hash; an old
library takes **SHA-1** all the same, and TLS 1.0 and 1.1 know nothing but MD5 with SHA-1. Clients that have given these up
(RFC 9155) break off when they see the signature, though the certificate itself is sound.

OpenSSL 3 at security level 1 and above says *legacy sigalg disallowed or unsupported* or *wrong signature type*, Go *tls: peer used
unsupported signature algorithm*, Java *not allowed by algorithm constraints*. On the wire it is the client's alert right behind the
ServerKeyExchange: handshake_failure (40), illegal_parameter (47) or internal_error (80).

It is not the certificate that is too weak: that is cert.weak, which another certificate mends. Here none does: a newer library, or
its settings. Only RSA key exchange needs no such signature, and it gives up forward secrecy.`,
	Asks: []string{"What does the origin sign with? `openssl s_client -connect {origin} -servername {host} -tls1_2 -cipher 'DEFAULT@SECLEVEL=0' </dev/null | grep -i 'peer signing digest'`"},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Install the updates of Schannel; allow RSA/SHA256 in front of RSA/SHA1 (restart needed).",
			Lines: "# PowerShell, as administrator\nGet-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Cryptography\\Configuration\\Local\\SSL\\00010003 -Name Functions"},
		{On: finding.OpenSSL, Do: "A server of your own: name the algorithms (OpenSSL 1.0.2 and later; 1.0.1 and 1.0.0 are to be replaced).", Lines: "SSL_CTX_set1_sigalgs_list(ctx, \"ECDSA+SHA256:RSA+SHA256\");"},
		{On: finding.Apache, Do: "Allow SHA-256 and up for signatures.",
			Lines: "SSLOpenSSLConfCmd SignatureAlgorithms RSA+SHA256:ECDSA+SHA256:RSA+SHA384:ECDSA+SHA384:RSA-PSS+SHA256"},
		{On: finding.Nginx, Do: "Allow SHA-256 and up for signatures.",
			Lines: "ssl_conf_command SignatureAlgorithms RSA+SHA256:ECDSA+SHA256:RSA+SHA384:ECDSA+SHA384:RSA-PSS+SHA256;"},
		{On: finding.Java, Do: "Update it: Java 7 and later sign with SHA-256; look whether jdk.tls.disabledAlgorithms was changed.", Lines: "grep -A3 jdk.tls.disabledAlgorithms $JAVA_HOME/conf/security/java.security"},
		{On: finding.Lunette, Do: "Until then speak TLS 1.1 to this origin, whose signatures are of another kind and weaker still: in trusted networks only (RFC 8996).",
			Lines: "origin:\n  tls:\n    profile: compatible\n    min_version: \"1.0\"\n    max_version: \"1.1\""},
	},
	Sources: []string{"RFC 9155", "RFC 5246 section 7.4.3", "OpenSSL: SSL_CTX_set_security_level"},
	Run:     runWeakSignature,
}

func runWeakSignature(c *check.Case) *check.Verdict {
	f := c.Flow
	at := f.Last(fact.TLSServerKeyExchange, fact.TLSServerHello)
	if f.Reason != reason.TLSWeakKeyOrHash || !strings.HasPrefix(f.Detail, "ServerKeyExchange") || at < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the origin's part of the key exchange: "+check.Short(f.Detail, 60))},
		Summary: "Lunette refused how the origin signs its key exchange: " + check.Short(f.Detail, 60) + "; the certificate is not what it is about."}
	if i := clientAlert(f); i >= 0 {
		v.Proof = append(v.Proof, f.Proof(i, "Lunette breaks off with alert "+f.Facts[i].Text))
	}
	return v
}
