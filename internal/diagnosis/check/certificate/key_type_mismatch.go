package certificate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var keyTypeMismatch = check.Check{
	Code:      "cert.key_type_mismatch",
	Title:     "the kind of key of the origin's certificate does not fit the cipher suites",
	Severity:  finding.Critical,
	Catalogue: []int{57},
	Refines:   []reason.Code{reason.TLSNoCommonCipher, reason.TLSAlert, reason.TLSReset, reason.TLSEOF},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.no_common_cipher", "tls.handshake_alert", "tls.closed_after_hello"},
	Text: `Up to TLS 1.2 a cipher suite names the kind of key that the certificate must have: TLS_ECDHE_**RSA**_… needs an RSA certificate,
TLS_ECDHE_**ECDSA**_… one with an elliptic curve. In TLS 1.3 the signature schemes say it. A client that offers one kind only
fails with an origin that has the other: alert **handshake_failure (40)**, from Schannel mostly a reset.

It comes up when an origin is renewed with ECDSA, the default of certbot since 2.0, and old clients or proxies are pinned to a
list of RSA suites (nginx proxy_ssl_ciphers, HAProxy ssl-default-server-ciphers, old Java), and the other way round with hardened
clients. Servers log *no shared cipher* (OpenSSL) or Schannel's 36874.

The other face is on the origin alone: its list of suites is for keys of one kind, its certificate has the other (ssl_ciphers with
ECDHE-RSA only, and an ECDSA certificate). Then **every** hello is refused with alert 40, whatever it offers. A server that has no
certificate at all for the name does the same.

The log lines are those of tls.no_common_cipher. It is told from that by what the hello lacks, and proven by another hello that is
answered with a certificate of the missing kind.`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256`, then with ECDHE-RSA-AES128-GCM-SHA256: which one works?"},
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "Serve both kinds: nginx takes several certificates for one name.", Lines: "ssl_certificate /etc/nginx/{host}-ecdsa.pem;\nssl_certificate_key /etc/nginx/{host}-ecdsa.key;\nssl_certificate /etc/nginx/{host}-rsa.pem;\nssl_certificate_key /etc/nginx/{host}-rsa.key;"},
		{On: finding.Apache, Do: "Serve both kinds.", Lines: "SSLCertificateFile /etc/ssl/{host}-ecdsa.pem\nSSLCertificateKeyFile /etc/ssl/{host}-ecdsa.key\nSSLCertificateFile /etc/ssl/{host}-rsa.pem\nSSLCertificateKeyFile /etc/ssl/{host}-rsa.key"},
		{On: finding.IIS, Do: "A binding holds one certificate: choose RSA where old clients must connect, and enable the suites of its kind.", Lines: "# PowerShell, as administrator\nGet-TlsCipherSuite | Format-Table Name,Certificate"},
		{On: finding.Java, Do: "In Tomcat give the SSLHostConfig two Certificate elements.", Lines: `<Certificate type="RSA" certificateKeystoreFile="conf/rsa.p12"/><Certificate type="EC" certificateKeystoreFile="conf/ec.p12"/>`},
		{On: finding.Node, Do: "Give arrays of keys and certificates.", Lines: "https.createServer({ key: [ecKey, rsaKey], cert: [ecCert, rsaCert] })"},
		{On: finding.Lunette, Do: "Nothing to do: Lunette offers both kinds in every profile."},
	},
	Sources: []string{"RFC 5246 section 7.4.2", "RFC 8422 section 2", "RFC 8446 section 4.2.3"},
	Run:     runKeyTypeMismatch,
}

func runKeyTypeMismatch(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	if h == nil || f.Has(fact.TLSServerHello, fact.TLSHelloRetryRequest, fact.TLSNotTLS) {
		return nil
	}
	rsa, ecdsa := offersKind(h, "RSA"), offersKind(h, "ECDSA")
	end := f.EndAfter(at)
	if rsa && ecdsa && end.At >= 0 && end.Side == fact.SideServer {
		return fitsNone(c, at, end.At)
	}
	if rsa == ecdsa || end.At < 0 || end.Side != fact.SideServer || end.How == fact.TLSAlert && f.Facts[end.At].Code != alertHandshakeFailure {
		return nil
	}
	has, lacks := "RSA", "ECDSA"
	if ecdsa {
		has, lacks = lacks, has
	}
	v := &check.Verdict{Confidence: finding.Possible, Settle: "a hello that offers " + lacks + " too: \"lunette doctor\" tries it",
		Proof:   []finding.Proof{f.Proof(at, "the client offers suites and signatures for "+has+" keys only"), f.Proof(end.At, "the origin refuses")},
		Summary: fmt.Sprintf("The client offers suites for certificates with %s keys only, and the origin refused.", has)}
	for _, o := range c.Compared() {
		chain, sent := o.Chain()
		oh, _ := o.Hello()
		if len(chain) == 0 || oh == nil || oh.ServerName != h.ServerName || !o.Has(fact.TLSServerHello) {
			continue
		}
		switch kind(chain[0].Key) {
		case has:
			return nil // it has one of this kind
		case lacks:
			v.Confidence, v.Settle = finding.Certain, ""
			v.Proof = append(v.Proof, f.ProofOther(&o.Facts[sent], "to another hello the origin sends a certificate with the key "+chain[0].Key))
			v.Summary = fmt.Sprintf("The client offers suites for certificates with %s keys only, and the origin's has the key %s.", has, chain[0].Key)
		}
	}
	if v.Confidence == finding.Possible && (end.How != fact.TLSAlert || h.ServerName == "") {
		return nil
	}
	return v
}

// fitsNone finds that one hello after the other is refused, with suites of all sorts for both kinds of key: it is not the offer then.
func fitsNone(c *check.Case, hello, end int) *check.Verdict {
	f := c.Flow
	refused := func(o *check.Flow) []string {
		h, at := o.Hello()
		if e := o.EndAfter(at); h == nil || e.At < 0 || e.Side != fact.SideServer || e.How != fact.TLSAlert || o.Facts[e.At].Code != alertHandshakeFailure {
			return nil
		}
		return h.Suites
	}
	suites, n := refused(f), 1
	if suites == nil {
		return nil
	}
	for _, o := range c.Compared() {
		if o.Has(fact.TLSServerHello) {
			return nil // it takes one
		}
		if more := refused(o); more != nil {
			suites, n = slices.Concat(suites, more), n+1
		}
	}
	for _, sort := range [...]string{"_ECDHE_RSA_WITH_AES_128_GCM", "_ECDHE_ECDSA_WITH_AES_128_GCM", "_ECDHE_RSA_WITH_AES_128_CBC", "TLS_RSA_WITH_AES_128", "_3DES_", "_DHE_RSA_"} {
		if !slices.ContainsFunc(suites, func(s string) bool { return strings.Contains(s, sort) }) {
			return nil
		}
	}
	slices.Sort(suites)
	all := len(slices.Compact(suites))
	return &check.Verdict{Confidence: finding.Likely, Settle: "the origin's own log (\"no shared cipher\", Schannel's 36874) and, there, the kind of key of its certificate beside its list of suites",
		Proof: []finding.Proof{f.Proof(hello, "the client offers suites for RSA and for ECDSA keys"), f.Proof(end, "the origin refuses with alert 40"),
			f.Proof(end, fmt.Sprintf("so it did with each of %d hellos, with %d suites in all", n, all))},
		Instead: true, Mends: mendsKeyFits(),
		Summary: fmt.Sprintf("The origin refused each of %d hellos with alert 40, which offered %d suites of all sorts: so no offer is the cause. Its certificate's kind of key fits none of the suites that it takes, or it has no certificate for the name.", n, all)}
}

// mendsKeyFits are for an origin whose certificate and list of suites do not go together.
func mendsKeyFits() []finding.Mend {
	const see = "See which kind of key the certificate has (id-ecPublicKey or rsaEncryption), and take suites for it into the list that is there."
	return []finding.Mend{
		{On: finding.Nginx, Do: see, Lines: "nginx -T | grep -nE 'ssl_certificate |ssl_ciphers|server_name'\nopenssl x509 -in CERTIFICATE -noout -text | grep 'Public Key Algorithm'\n# for keys of both kinds\nssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5;"},
		{On: finding.Apache, Do: see, Lines: "grep -rnE 'SSLCertificateFile|SSLCipherSuite' /etc/apache2 /etc/httpd\nopenssl x509 -in CERTIFICATE -noout -text | grep 'Public Key Algorithm'\n# for keys of both kinds\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5"},
		{On: finding.IIS, Do: "See which suites there are for the kind of key that the certificate of the binding has, and that its private key is there (HasPrivateKey).",
			Lines: "# PowerShell, as administrator\nGet-TlsCipherSuite | Format-Table Name,Certificate\nGet-ChildItem Cert:\\LocalMachine\\My | Format-Table HasPrivateKey,Thumbprint,Subject"},
		{On: finding.Origin, Do: "Serve a certificate of the kind that the suites are for, or both kinds. No setting of a client helps."},
	}
}

// offersKind reports whether h offers a suite, or for TLS 1.3 a signature, for certificates with this kind of key.
func offersKind(h *fact.ClientHello, kind string) bool {
	if slices.ContainsFunc(h.Suites, func(s string) bool { return strings.Contains(s, "_"+kind+"_WITH_") }) {
		return true
	}
	scheme := map[string]string{"RSA": "rsa_pss_rsae", "ECDSA": "ecdsa_secp"}[kind]
	return slices.Contains(h.Versions, "TLS 1.3") && slices.ContainsFunc(h.SignatureSchemes, func(s string) bool { return strings.HasPrefix(s, scheme) })
}
