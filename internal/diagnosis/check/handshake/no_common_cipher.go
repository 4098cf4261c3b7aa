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

var noCommonCipher = check.Check{
	Code:      "tls.no_common_cipher",
	Title:     "the origin supports none of the cipher suites that are offered",
	Severity:  finding.Critical,
	Catalogue: []int{21},
	Refines:   []reason.Code{reason.TLSNoCommonCipher, reason.TLSAlert, reason.TLSLegacyKEXOnly, reason.TLSReset, reason.TLSEOF},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert", "tls.closed_after_hello"},
	Text: `The server finds no suite that both know and answers the ClientHello with the fatal alert **handshake_failure (40)**, or with
insufficient_security (71) when it finds the offer too weak. nginx prints *sslv3 alert handshake failure:SSL alert number 40*, Go
*remote error: tls: handshake failure*, Java *Received fatal alert: handshake_failure*. Schannel writes event 36874 and often
closes without any alert.

Typical pairs: an old origin that knows only RSA key exchange, CBC or 3DES, and a new client without them (Go leaves RSA key
exchange out since 1.22, 3DES since 1.23; OpenSSL 3 needs @SECLEVEL=0 for 3DES); Windows Server before 2016, which has no
ECDHE_RSA with GCM; an origin hardened to a few suites.

Alert 40 has other readings: no common **group** (tls.no_common_group), a certificate of the **type** that the client cannot
verify (cert.key_type_mismatch), a **client certificate** that is wanted, a missing **name**. So this is stated only where the
hello rules these out: it names the site, offers the usual groups, both RSA and ECDSA, and secure renegotiation. It is certain
when another hello, with more suites, is answered with one that was missing here.`,
	Asks: []string{
		"Which suites does the origin take? `nmap --script ssl-enum-ciphers -p {port} {ip}`; on Windows: `Get-TlsCipherSuite | Format-Table Name`",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Enable suites with ECDHE and GCM (Windows Server 2016 and later; before that, ECDHE with CBC), machine-wide; those that are there stay behind them. A group policy \"SSL Cipher Suite Order\" wins over this.",
			Lines: "# PowerShell, as administrator\nGet-TlsCipherSuite | Format-Table Name\nEnable-TlsCipherSuite -Name TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 -Position 0\nEnable-TlsCipherSuite -Name TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 -Position 1"},
		{On: finding.Nginx, Do: "Put current suites in front; HIGH keeps CBC and RSA key exchange for the clients that need them. Take over what else stands in the line that is there.",
			Lines: "nginx -T | grep -n ssl_ciphers\n# in every server block of the address\nssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5;"},
		{On: finding.Apache, Do: "Put current suites in front; HIGH keeps CBC and RSA key exchange for the clients that need them. Take over what else stands in the line that is there.",
			Lines: "grep -rn SSLCipherSuite /etc/apache2 /etc/httpd\n# in the virtual host\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5"},
		{On: finding.Java, Do: "In Tomcat's SSLHostConfig put current suites in front of those that are there, and see that jdk.tls.disabledAlgorithms leaves them.",
			Lines: "<SSLHostConfig ciphers=\"ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5\">"},
		{On: finding.Node, Do: "Leave \"ciphers\" of tls.createServer at its default, or add ECDHE with GCM.", Lines: "node -p 'crypto.constants.defaultCoreCipherList'"},
		{On: finding.OpenSSL, Do: "List what a cipher string means, and try one suite at a time against the origin.", Lines: "openssl ciphers -v 'ECDHE+AESGCM'\nopenssl s_client -connect {origin} -servername {host} -tls1_2 -cipher AES128-SHA"},
		{On: finding.Lunette, Do: "Offer also CBC and RSA key exchange, without forward secrecy; \"legacy\" instead adds 3DES and TLS 1.0, which are weak.",
			Lines: "origin:\n  tls:\n    profile: compatible"},
	},
	Sources: []string{"RFC 5246 section 7.2.2", "RFC 8446 section 6.2", "Microsoft: Schannel event 36874", "golang#63413"},
	Run:     runNoCommonCipher,
}

func runNoCommonCipher(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := refused(f)
	if !ok || r.hello == nil || r.how == fact.Silence {
		return nil
	}
	alerted := r.how == fact.TLSAlert && (r.alert == alertHandshakeFailure || r.alert == alertInsufficientSecurity)
	if r.how == fact.TLSAlert && !alerted {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Likely, Proof: r.proof(f), Settle: "a hello with more suites that is answered: \"lunette doctor\" tries them",
		Summary: fmt.Sprintf("The origin %s; the hello offers %d suites, the usual groups, RSA and ECDSA, so that suites are what is left.", r.did(), len(r.hello.Suites))}
	for _, o := range c.Compared() {
		h := answered(o)
		if h == nil || h.ServerName != r.hello.ServerName {
			continue
		}
		chosen := suite(o)
		if slices.Contains(r.hello.Suites, chosen) {
			if offersVersion(r.hello, newest(o)) && offersGroup(r.hello, group(o)) {
				return nil // it takes a suite of this hello
			}
			continue
		}
		if chosen == "" || !offersVersion(r.hello, newest(o)) {
			continue // the version alone explains it
		}
		v.Confidence, v.Settle = finding.Certain, ""
		switch {
		case !offersGroup(r.hello, group(o)):
			v.Confidence, v.Settle = finding.Likely, "an answer in a group that this hello offers too"
		case !alerted:
			v.Confidence, v.Settle = finding.Likely, "the same again: an end without an alert may have other reasons; or Schannel's event 36874"
		case !within(r.hello.Suites, h.Suites): // it may have taken one of this hello, had it been offered
			v.Confidence, v.Settle = finding.Likely, "this hello with "+chosen+" added: is it answered"
		}
		x := r.contrast(c, r.same, func(_ *check.Flow, theirs *fact.ClientHello) bool {
			return theirs.ServerName == r.hello.ServerName && within(r.hello.Suites, theirs.Suites)
		})
		x.Temper(v)
		v.Proof = append(v.Proof, answer(f, o, "to another hello the origin answers "+chosen+", which this one does not offer"))
		v.Summary = fmt.Sprintf("The origin %s; of another hello it takes %s, which is not among the %d suites of this one.", r.did(), chosen, len(r.hello.Suites))
		return v
	}
	if !alerted || !onlySuitesLeft(r.hello) {
		return nil
	}
	return v
}

// within reports whether all suites are among those of another hello; what only signals something does not count.
func within(suites, among []string) bool {
	for _, s := range known(suites) {
		if !slices.Contains(among, s) && s != "TLS_EMPTY_RENEGOTIATION_INFO_SCSV" && s != "TLS_FALLBACK_SCSV" {
			return false
		}
	}
	return true
}

// onlySuitesLeft reports whether h rules out the other readings of alert 40: name, group, type of the certificate, RFC 5746.
func onlySuitesLeft(h *fact.ClientHello) bool { return h.ServerName != "" && usual(h) }

// usual reports whether h offers what nearly every server has: the common groups, both kinds of certificate, RFC 5746.
func usual(h *fact.ClientHello) bool {
	groups := keyed(h.Suites, "RSA") || offersGroup(h, "secp256r1") && offersGroup(h, "secp384r1") && offersGroup(h, "x25519")
	types := slices.ContainsFunc(h.Suites, func(s string) bool { return strings.Contains(s, "_ECDSA_") }) &&
		slices.ContainsFunc(h.Suites, func(s string) bool { return strings.Contains(s, "_RSA_") }) // TLS 1.2 and older
	return groups && types && h.SecureRenegotiation && offersVersion(h, "TLS 1.2")
}

// offersGroup reports whether h offers the group, or it is unknown.
func offersGroup(h *fact.ClientHello, g string) bool { return g == "" || slices.Contains(h.Groups, g) }

// newest is the version that the server of o chose, "" unknown.
func newest(o *check.Flow) string {
	if s, _ := o.ServerHello(); s != nil {
		return s.Version
	}
	return ""
}
