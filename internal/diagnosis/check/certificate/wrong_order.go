package certificate

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var wrongOrder = check.Check{
	Code:     "cert.wrong_order",
	Title:    "the origin sends its certificates in the wrong order",
	Severity: finding.Critical,
	Refines:  []reason.Code{reason.CertWrongOrder, reason.TLSAlert},
	On:       []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:    check.Records,
	Silences: []finding.Code{"cert.name_mismatch", "cert.unknown_ca", "cert.chain_incomplete", "tls.handshake_alert"},
	Text: `The server's own certificate must come first, and up to TLS 1.2 each one after it must be that of the issuer of the one before
(RFC 5246 section 7.4.2). TLS 1.3 still wants the leaf first and the rest in order, though clients should put up with disorder
among the rest.

Files that were put together by hand are the cause: *cat* in the wrong order, the bundle of the authority before the certificate,
or the root in between. Whether it fails depends on the client. OpenSSL, Go and browsers sort the intermediates themselves; old
GnuTLS, embedded stacks and some Java versions do not, and say that the chain is not trusted. When an authority's certificate
comes **first**, no client gets along: the key does not fit, or the name does not.

nginx and Apache httpd refuse to start with such a file where the key does not belong to the first certificate: *key values
mismatch*.`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} -showcerts </dev/null | grep -E '^ *[0-9] s:|^ *i:'`: each \"i\" must be the next \"s\""},
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "Put leaf, then intermediates from below upwards into the file; leave the root out.",
			Lines: "cat {host}.crt intermediate.crt > /etc/nginx/{host}-fullchain-new.pem\n# in the server block\nssl_certificate /etc/nginx/{host}-fullchain-new.pem;\n# then\nnginx -t && nginx -s reload"},
		{On: finding.Apache, Do: "The same for SSLCertificateFile; drop SSLCertificateChainFile, which is obsolete.", Lines: "SSLCertificateFile /etc/ssl/{host}-fullchain.pem"},
		{On: finding.Java, Do: "Import the chain again in order.",
			Lines: "openssl pkcs12 -export -in {host}-fullchain.pem -inkey {host}.key -out keystore-new.p12 -name tomcat"},
		{On: finding.Node, Do: "Let \"cert\" begin with the leaf.", Lines: "https.createServer({ key, cert: leaf + intermediates })"},
		{On: finding.IIS, Do: "Schannel sorts the chain itself: look at the load balancer in front."},
		{On: finding.Lunette, Do: "Nothing to do for disorder among intermediates: Lunette sorts them. A leaf that does not come first cannot be made good from here."},
	},
	Sources: []string{"RFC 5246 section 7.4.2", "RFC 8446 section 4.4.2"},
	Run:     runWrongOrder,
}

func runWrongOrder(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	what, leafLate := disorder(j.chain, wanted(f))
	v := &check.Verdict{Confidence: finding.Certain, Proof: j.proof(f, or(what, "the origin's certificates")), Summary: check.Upper(or(what, "the certificates come in the wrong order")) + "; " + j.by() + "."}
	switch {
	case j.because(reason.CertWrongOrder):
		if what == "" {
			v.Summary = "The certificates were checked, and they come in the wrong order (" + or(check.Short(f.Detail, 80), "the leaf is not the first") + ")."
		}
	case what == "":
		return nil
	case j.refused() && leafLate:
	case j.vaguely(alertUnknownCA, alertBadCertificate, alertCertificateUnknown) && valid(j.chain, j.now(f)):
		v.Confidence, v.Settle = finding.Possible, "the client's own log: most clients sort intermediates themselves"
	case j.taken:
		v.Severity, v.Summary = finding.Info, check.Upper(what)+"; this client sorted them, others refuse."
	default:
		return nil
	}
	return v
}

// disorder says what is out of order in chain; leafLate: the certificate for name is not the first.
func disorder(chain []fact.Certificate, name string) (what string, leafLate bool) {
	for i := range chain {
		if i > 0 && name != "" && !chain[i].CA && covers(chain[i].Names, name) && !covers(chain[0].Names, name) {
			return fmt.Sprintf("the certificate for %s comes as number %d of %d", check.Short(name, 80), i+1, len(chain)), true
		}
	}
	for i := range chain {
		if k := above(chain, i); k >= 0 && k != i && k != i+1 && chain[min(i+1, len(chain)-1)].Subject != chain[i].Issuer {
			return fmt.Sprintf("the certificate of %s comes as number %d, and its issuer as number %d", check.Short(chain[i].Subject, 80), i+1, k+1), false
		}
	}
	return "", false
}
