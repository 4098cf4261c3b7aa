package handshake

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var noSecureRenegotiation = check.Check{
	Code:      "tls.no_secure_renegotiation",
	Title:     "the origin does not know secure renegotiation",
	Severity:  finding.Critical,
	Catalogue: []int{26},
	Refines:   []reason.Code{reason.TLSAlert, reason.TLSSessionFault},
	On:        []fact.Kind{fact.TLSServerHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert"},
	Text: `Since RFC 5746 (2010) both ends say in the first handshake that they bind renegotiations to it: the client by renegotiation_info
or its signalling suite, the server by **renegotiation_info (0xff01)** in the ServerHello. A server that does not is open to an
attack in which somebody puts a prefix before the client's requests. OpenSSL 3 therefore refuses such servers, even where nobody
ever renegotiates: it sends handshake_failure (40) right after the ServerHello.

nginx and HAProxy on OpenSSL 3 print *SSL routines::unsafe legacy renegotiation disabled* (0A000152); curl and Node 18 and later
say the same. Go, Java and Schannel connect, so that "it works from my machine" is typical. Known culprits are servers unpatched
since 2010 and Citrix ADC with -denySSLReneg ALL, which leaves the extension out.

It is told from other alerts 40 of the client by the ServerHello without the extension, though the client offered it, and by
nothing else in the server's flight that a client refuses: no certificate alert, no short prime (tls.weak_dh). TLS 1.3 has no
renegotiation and no such extension.`,
	Asks: []string{"`openssl s_client -connect {origin} -tls1_2 -legacy_server_connect </dev/null | grep -i 'renegotiation'`"},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Install the updates of MS10-049 or later, and do not set AllowInsecureRenegoClients."},
		{On: finding.Java, Do: "Update Java (6u22 or later), and do not set sun.security.ssl.allowUnsafeRenegotiation."},
		{On: finding.OpenSSL, Do: "Update the origin's library (0.9.8m or later). A client can be told to connect all the same, which leaves the attack open.",
			Lines: "openssl s_client -connect {origin} -legacy_server_connect\n# nginx as the client\nproxy_ssl_conf_command Options UnsafeLegacyServerConnect;"},
		{On: finding.Network, Do: "On a Citrix ADC in front: keep the extension while refusing renegotiation of clients.", Lines: "set ssl parameter -denySSLReneg FRONTEND_CLIENT"},
		{On: finding.Lunette, Do: "Nothing to do: Lunette connects without it. Only a HelloRequest of such an origin is refused unless this is set, which an attacker on the way can abuse.",
			Lines: "origin:\n  tls:\n    insecure_renegotiation: true"},
	},
	Sources: []string{"RFC 5746 sections 3.4 and 4.1", "openssl#18295", "insomnia#4543", "Citrix: set ssl parameter -denySSLReneg"},
	Run:     runNoSecureRenegotiation,
}

func runNoSecureRenegotiation(c *check.Case) *check.Verdict {
	f := c.Flow
	h, _ := f.Hello()
	s, at := f.ServerHello()
	if h == nil || s == nil || s.SecureRenegotiation || !h.SecureRenegotiation || rank(version(f)) == 0 || version(f) == "TLS 1.3" || !offersVersion(h, version(f)) {
		return nil
	}
	if f.Established() && clientAlert(f) < 0 {
		return &check.Verdict{Severity: finding.Info, Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "ServerHello, "+version(f)+", without renegotiation_info")},
			Summary: "The origin's ServerHello lacks renegotiation_info (RFC 5746); this client went on, OpenSSL 3 refuses such an origin."}
	}
	alert := clientAlert(f)
	if alert < at || f.Facts[alert].Code != alertHandshakeFailure || f.Has(fact.TLSClientKeyExchange) {
		return nil
	}
	if i := f.First(fact.TLSServerKeyExchange); i >= 0 {
		if k, _ := f.Facts[i].Detail.(*fact.KeyExchange); k != nil && k.Bits > 0 && k.Bits < enoughBits {
			return nil // tls.weak_dh
		}
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "ServerHello, "+version(f)+", without renegotiation_info"),
		f.Proof(alert, "the client breaks off with alert 40 handshake_failure")},
		Summary: fmt.Sprintf("The origin's ServerHello lacks renegotiation_info, which the client offered, and %s after it the client broke off with alert 40.", finding.Span(f.Since(at, alert)))}
	if version(f) != "TLS 1.2" {
		v.Confidence, v.Settle = finding.Likely, "the client's own log: OpenSSL says \"unsafe legacy renegotiation disabled\""
	}
	return v
}
