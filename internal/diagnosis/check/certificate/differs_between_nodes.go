package certificate

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var differsBetweenNodes = check.Check{
	Code:      "cert.differs_between_nodes",
	Title:     "one node of the origin serves another certificate than the others",
	Severity:  finding.Critical,
	Catalogue: []int{56},
	Refines:   []reason.Code{reason.CertDrifted, reason.CertExpired, reason.CertNotYetValid, reason.CertNameMismatch, reason.CertUnknownCA, reason.CertChainGap, reason.CertSelfSigned, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified},
	Needs:     check.Records | check.Others,
	Silences:  []finding.Code{"cert.expired", "cert.not_yet_valid", "cert.name_mismatch", "cert.unknown_ca", "cert.chain_incomplete", "cert.self_signed", "cert.weak", "tls.handshake_alert"},
	Text: `Asked for the same name, the origin serves one certificate here and another there; one is refused, the other accepted. After a
renewal one node of several, or one worker that was not reloaded, still has the old one, or got none and serves its default.

To users it is **intermittent**: every second or tenth request gives 502, retries help, and whoever tests with curl sees a good
certificate. The proxy's log has cert.expired or a wrong name, now and then, by address: nginx names the upstream in brackets,
HAProxy marks the one server DOWN by its check.

When the addresses differ, the node is known. Behind one address (a load balancer) it is one of those that it hands connections
to; compare serial numbers on each. Certificates of two *kinds* of key (RSA and ECDSA) for one name are no fault: the server picks
by what the client offers, so these are not compared.`,
	Asks: []string{"For each address: `openssl s_client -connect {origin} -servername {host} </dev/null | openssl x509 -noout -serial -dates -fingerprint -sha256`"},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Install the new certificate on the node that was named and reload it; then compare the serial numbers of all nodes."},
		{On: finding.IIS, Do: "In a farm use the central certificate store, or compare the thumbprints of the bindings on each machine.", Lines: "# PowerShell, as administrator\nnetsh http show sslcert"},
		{On: finding.Nginx, Do: "Reload; see that no old worker is left (\"shutting down\" in ps).", Lines: "nginx -s reload\nps -C nginx -o pid,lstart,cmd"},
		{On: finding.Apache, Do: "Reload gracefully.", Lines: "apachectl graceful"},
		{On: finding.Network, Do: "Take the node out of the load balancer until it is mended; where the load balancer ends TLS, look at its own nodes."},
		{On: finding.Lunette, Do: "Leave a failing node out by itself: passive checks count failed handshakes.", Lines: "origin:\n  health:\n    passive: {failures: 3, hold: 1m}"},
	},
	Sources: []string{"RFC 8446 section 4.4.2"},
	Run:     runDiffersBetweenNodes,
}

func runDiffersBetweenNodes(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	h, _ := f.Hello()
	if !j.refused() || len(j.chain) == 0 || j.leaf().SHA256 == "" {
		return nil
	}
	var v *check.Verdict
	for _, o := range c.Compared() {
		theirs := judge(o)
		oh, _ := o.Hello()
		if o == c.Normal && o.Server != f.Server || o.Server.Port() != f.Server.Port() {
			continue // another service, or one that was watched elsewhere: a gateway in front has a certificate of its own
		}
		if len(theirs.chain) == 0 || !theirs.taken || (h == nil) != (oh == nil) || h != nil && oh.ServerName != h.ServerName || o.Name != f.Name {
			continue
		}
		if o.Server == f.Server && theirs.leaf().SHA256 == j.leaf().SHA256 {
			return nil // the same one was accepted: it is not the certificate, or not the client
		}
		if theirs.leaf().SHA256 == j.leaf().SHA256 || kind(theirs.leaf().Key) != kind(j.leaf().Key) || v != nil {
			continue
		}
		where := "another connection to the same address"
		v = &check.Verdict{Confidence: finding.Likely, Settle: "the serial numbers on each node behind " + f.Server.Addr().String()}
		if o.Server.Addr() != f.Server.Addr() {
			where = o.Server.Addr().String()
			v.Confidence, v.Settle = finding.Certain, ""
		}
		v.Proof = append(j.proof(f, "here the origin serves "+told(j.leaf())), f.ProofOther(&o.Facts[theirs.sent], where+" serves "+told(theirs.leaf())+", and it is accepted"))
		v.Summary = fmt.Sprintf("%s serves %s, which was refused; %s serves %s, which is accepted.", f.Server.Addr(), told(j.leaf()), where, told(theirs.leaf()))
	}
	return v
}

// kind is the kind of a key: "RSA" of "RSA 2048".
func kind(key string) string {
	k, _, _ := strings.Cut(key, " ")
	return k
}

// told names a certificate so that it can be told from another.
func told(x *fact.Certificate) string {
	return fmt.Sprintf("%s (serial %s, until %s)", check.Short(x.Subject, 80), check.Short(x.Serial, 80), x.NotAfter.UTC().Format("2006-01-02"))
}
