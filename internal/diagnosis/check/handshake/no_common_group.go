package handshake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var noCommonGroup = check.Check{
	Code:      "tls.no_common_group",
	Title:     "the client and the origin have no group for the key exchange in common",
	Severity:  finding.Critical,
	Catalogue: []int{24},
	Refines:   []reason.Code{reason.TLSNoCommonGroup, reason.TLSAlert, reason.TLSReset, reason.TLSEOF},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert", "tls.closed_after_hello", "tls.no_common_cipher"},
	Text: `ECDHE needs a curve that both ends know. The client names its groups in **supported_groups**; a server that has none of them and
no suite without ECDHE ends with handshake_failure (40), Schannel often with a reset. In TLS 1.3 a server that wants another group
asks for it by HelloRetryRequest; one that asks for a group the client did not offer breaks the protocol.

Schannel knows P-256 and P-384 only (with X25519 from Windows Server 2016, P-521 off), so a client set to X25519 alone fails
there. An origin hardened to P-521 or brainpool fails with nearly everybody; one with ssl_ecdh_curve set to a single post-quantum
group fails with all clients older than it.

The strings are those of every failed handshake: nginx *SSL alert number 40*, Go *remote error: tls: handshake failure*, Java
*handshake_failure*; OpenSSL's server log says *no suitable key share* or *no shared cipher*, for it counts ECDHE suites out when
no curve fits. RSA key exchange still works, which tells it from a lack of suites.`,
	Asks: []string{"One group at a time: `openssl s_client -connect {origin} -servername {host} -groups P-256` (then P-384, X25519)"},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Enable the usual curves, machine-wide.", Lines: "# PowerShell, as administrator\nGet-TlsEccCurve\nEnable-TlsEccCurve -Name curve25519\nEnable-TlsEccCurve -Name NistP256\nEnable-TlsEccCurve -Name NistP384"},
		{On: finding.Nginx, Do: "Leave the choice to OpenSSL.",
			Lines: "ssl_ecdh_curve auto;"},
		{On: finding.Apache, Do: "Name the usual curves.",
			Lines: "SSLOpenSSLConfCmd Curves X25519:P-256:P-384:P-521"},
		{On: finding.Java, Do: "Do not narrow jdk.tls.namedGroups.", Lines: `-Djdk.tls.namedGroups="x25519,secp256r1,secp384r1,secp521r1"`},
		{On: finding.Node, Do: "Leave ecdhCurve at auto.", Lines: "https.createServer({ ecdhCurve: 'auto', /* key, cert */ })"},
		{On: finding.Lunette, Do: "Offer all usual groups, best first.", Lines: "origin:\n  tls:\n    groups: [X25519, P-256, P-384, P-521]"},
	},
	Sources: []string{"RFC 8422 section 4", "RFC 8446 sections 4.1.4 and 4.2.7", "Microsoft: TLS elliptic curves", "nginx: ngx_http_ssl_module, ssl_ecdh_curve"},
	Run:     runNoCommonGroup,
}

func runNoCommonGroup(c *check.Case) *check.Verdict {
	f := c.Flow
	if v := groupNotOffered(f); v != nil {
		return v
	}
	r, ok := refused(f)
	if !ok || r.hello == nil || len(r.hello.Groups) == 0 || r.how == fact.Silence ||
		r.how == fact.TLSAlert && r.alert != alertHandshakeFailure && r.alert != alertInsufficientSecurity && r.alert != alertIllegalParameter {
		return nil
	}
	for _, o := range c.Compared() {
		h, g := answered(o), group(o)
		if h == nil || g == "" || h.ServerName != r.hello.ServerName {
			continue
		}
		if offersGroup(r.hello, g) {
			return nil // it takes a group of this hello
		}
		if !offersVersion(r.hello, newest(o)) || !slices.Contains(r.hello.Suites, suite(o)) {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: append(r.proof(f), answer(f, o, "to another hello the origin answers with the group "+g+", which this one does not offer")),
			Summary: fmt.Sprintf("The origin %s; it takes the group %s, and this hello offers %s.", r.did(), g, check.Short(strings.Join(known(r.hello.Groups), ", "), 60))}
		x := r.contrast(c, r.same, func(_ *check.Flow, theirs *fact.ClientHello) bool {
			return theirs.ServerName == r.hello.ServerName && slices.Contains(theirs.Groups, g)
		})
		x.Temper(v)
		return v
	}
	if offersGroup(r.hello, "secp256r1") || offersGroup(r.hello, "secp384r1") || keyed(r.hello.Suites, "RSA", "DHE_RSA") || r.how != fact.TLSAlert || r.hello.ServerName == "" {
		return nil
	}
	return &check.Verdict{Confidence: finding.Likely, Proof: r.proof(f), Settle: "a hello with P-256 that is answered: \"lunette doctor\" tries it",
		Summary: fmt.Sprintf("The origin %s; the hello offers neither P-256 nor P-384, which nearly every server wants, but %s.", r.did(), check.Short(strings.Join(known(r.hello.Groups), ", "), 60))}
}

// groupNotOffered finds a HelloRetryRequest for a group that the client does not have.
func groupNotOffered(f *check.Flow) *check.Verdict {
	h, _ := f.Hello()
	i := f.First(fact.TLSHelloRetryRequest)
	if h == nil || i < 0 {
		return nil
	}
	s, _ := f.Facts[i].Detail.(*fact.ServerHello)
	if s == nil || s.Group == "" || offersGroup(h, s.Group) {
		return nil
	}
	return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "the origin asks for the group "+s.Group+" (HelloRetryRequest)")},
		Summary: fmt.Sprintf("The origin asks for the group %s, and the client offers only %s.", s.Group, check.Short(strings.Join(known(h.Groups), ", "), 60))}
}
