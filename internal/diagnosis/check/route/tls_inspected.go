package route

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var tlsInspected = check.Check{
	Code:      "network.tls_inspected",
	Title:     "something between here and the origin opens the TLS connection",
	Severity:  finding.Critical,
	Catalogue: []int{83},
	Refines:   []reason.Code{reason.CertUnknownCA, reason.CertPinMismatch, reason.CertDrifted, reason.CertSelfSigned},
	On:        []fact.Kind{fact.TLSCertificate},
	Silences:  []finding.Code{"cert.unknown_ca", "cert.self_signed", "cert.chain_incomplete"},
	Text: `A firewall with TLS inspection, a secure web gateway or a virus scanner on the way ends the TLS connection and makes another to
the origin. What arrives here is a certificate for the right name that was made a moment ago and is signed by the inspector's own
authority, and a ServerHello of the inspector: other version, other suite, other extensions than the origin's. TLS 1.3, client
certificates, HTTP/2 and renegotiation are often lost on the way, since it understands what it was built for.

Who does not trust the inspector's authority says unknown CA, and everyone thinks the origin's certificate is to blame: nginx
*(20:unable to get local issuer certificate)*, Go *x509: certificate signed by unknown authority*, Java *PKIX path building
failed*. From another network the same address shows another certificate.

It is recognised by an issuer that names such a product, or by the difference between two ways to the same server. A renewed
certificate on one node of several (cert.differs_between_nodes) comes from the usual authority; a private authority of the
origin's owner (cert.unknown_ca) shows the same certificate from everywhere.`,
	Asks: []string{
		"Compare the fingerprint from two networks: `openssl s_client -connect {origin} -servername {host} </dev/null | openssl x509 -noout -issuer -fingerprint -sha256`",
		"Ask the network's people for a rule that inspects traffic from the proxy to the origin.",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Exempt the way from the proxy to the origin from TLS inspection; what the inspector would find there is then the proxy's task."},
		{On: finding.Lunette, Do: "Or trust the inspector's authority, knowing that it reads and can change everything, passwords and client data included.",
			Lines: "origin:\n  tls:\n    ca: inspector-ca.pem"},
	},
	Sources: []string{"RFC 8446 section 9.3", "Durumeric et al.: The Security Impact of HTTPS Interception (NDSS 2017)"},
	Run:     runTLSInspected,
}

// inspectors are words, in lower case, by which the authorities of inspecting products name themselves.
var inspectors = [...]string{
	"fortinet", "fortigate", "zscaler", "palo alto", "blue coat", "bluecoat", "netskope", "forcepoint", "websense", "sophos", "sonicwall", "watchguard", "checkpoint",
	"check point", "cisco umbrella", "mcafee web gateway", "skyhigh", "barracuda", "untangle", "cato networks", "kaspersky", "eset ssl filter", "avast", "bitdefender",
	"mitmproxy", "portswigger", "charles proxy", "do_not_trust_fiddlerroot", "squid", "ssl inspection", "ssl-inspection", "tls inspection", "ssl proxy", "web gateway ca", "smoothwall", "lightspeed systems",
}

func runTLSInspected(c *check.Case) *check.Verdict {
	f := c.Flow
	chain, at := f.Chain()
	if len(chain) == 0 {
		return nil
	}
	leaf := &chain[0]
	product := ""
	for i := range chain {
		product = named(chain[i].Issuer)
		if product != "" {
			break
		}
	}
	other, direct := elsewhere(c, leaf)
	if product == "" && other == nil {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Likely, Settle: "look at the certificate of the same address from another network",
		Proof: []finding.Proof{f.Proof(at, "the certificate is issued by "+check.Short(leaf.Issuer, 120))}}
	switch {
	case product != "" && other != nil:
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary = fmt.Sprintf("The certificate for %s is issued by %s, an inspecting product; on another way it is issued by %s.", site(f, leaf), check.Short(leaf.Issuer, 120), check.Short(direct.Issuer, 120))
	case product != "":
		v.Summary = fmt.Sprintf("The certificate for %s is issued by %s: %q is the name of a product that inspects TLS.", site(f, leaf), check.Short(leaf.Issuer, 120), product)
	default:
		v.Confidence = finding.Possible
		v.Summary = fmt.Sprintf("The certificate for %s is issued by %s, and on a way that works by %s, with another ServerHello as well.", site(f, leaf), check.Short(leaf.Issuer, 120), check.Short(direct.Issuer, 120))
	}
	if other != nil {
		if _, i := other.Chain(); i >= 0 {
			v.Proof = append(v.Proof, f.ProofOther(&other.Facts[i], "on another way it is issued by "+check.Short(direct.Issuer, 120)))
		}
	}
	if f.Served() {
		v.Severity = finding.Warning
	}
	return v
}

// named is the word of an inspecting product in an issuer's name, "" without.
func named(issuer string) string {
	issuer = strings.ToLower(issuer)
	for _, word := range inspectors {
		at := strings.Index(issuer, word)
		if at < 0 || at > 0 && letter(issuer[at-1]) {
			continue
		}
		if end := at + len(word); end == len(issuer) || !letter(issuer[end]) {
			return word
		}
	}
	return ""
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' }

// elsewhere is the flow to compare with where it had another certificate of another issuer for the same name, and where the server was
// another one by its ServerHello too.
func elsewhere(c *check.Case, leaf *fact.Certificate) (*check.Flow, *fact.Certificate) {
	o := c.Normal
	if o == nil || o.Server != c.Flow.Server { // another address is another server: a gateway shows its own certificate
		return nil, nil
	}
	chain, _ := o.Chain()
	if len(chain) == 0 || o.Name != c.Flow.Name || chain[0].SHA256 == leaf.SHA256 || chain[0].Issuer == leaf.Issuer {
		return nil, nil
	}
	mine, _ := c.Flow.ServerHello()
	theirs, _ := o.ServerHello()
	if mine == nil || theirs == nil || mine.JA3S == theirs.JA3S && mine.Suite == theirs.Suite && mine.Version == theirs.Version {
		return nil, nil
	}
	return o, &chain[0]
}

func site(f *check.Flow, leaf *fact.Certificate) string {
	if f.Name != "" {
		return check.Short(f.Name, 120)
	}
	return check.Short(leaf.Subject, 120)
}
