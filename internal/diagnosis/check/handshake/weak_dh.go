package handshake

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// enoughBits is how long a Diffie-Hellman prime should be: what OpenSSL and Schannel ask for by default.
const enoughBits = 2048

var weakDH = check.Check{
	Code:      "tls.weak_dh",
	Title:     "the origin's Diffie-Hellman prime is too short",
	Severity:  finding.Critical,
	Catalogue: []int{25},
	Refines:   []reason.Code{reason.TLSAlert, reason.TLSWeakKeyOrHash, reason.TLSNoCommonCipher},
	On:        []fact.Kind{fact.TLSServerKeyExchange, fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert", "tls.no_common_cipher", "tls.no_common_group"},
	Text: `The origin chooses a DHE suite and sends a prime of less than 2,048 bits in its ServerKeyExchange; 512 and 1,024 bits can be
broken (Logjam), so libraries refuse them. The client ends with a fatal alert at once, mostly handshake_failure (40) or
insufficient_security (71). nginx and HAProxy print *dh key too small*; Java says *DH ServerKeyExchange does not comply to
algorithm constraints*; Schannel's clients want 2,048 bits by default (1,024 in old ones).

Sources of short primes: Apache httpd before 2.4.7 and Java 7 are fixed to 1,024 and 768 bits; nginx with an old ssl_dhparam file;
appliances. Go offers no DHE at all and never meets the prime: an origin with DHE only answers it with alert 40. Offering DHE as
well would not help there, so this page is named where another connection shows the prime and no other key exchange is answered;
where RSA key exchange is, tls.no_common_cipher has the mend.

The length stands in clear in the ServerKeyExchange up to TLS 1.2. An alert of the client after another key exchange, or after a
prime that is long enough, is something else.`,
	Asks: []string{"`openssl s_client -connect {origin} -tls1_2 -cipher 'kDHE@SECLEVEL=0' </dev/null | grep 'Server Temp Key'`"},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Offer no shorter primes than 2,048 bits, machine-wide; clients that know no longer ones then fail. Or disable the DHE suites of the list one by one: ECDHE is faster.",
			Lines: `# PowerShell, as administrator
Get-TlsCipherSuite -Name DHE_ | Format-Table Name
reg add "HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\KeyExchangeAlgorithms\Diffie-Hellman" /v ServerMinKeyBitLength /t REG_DWORD /d 2048 /f`},
		{On: finding.Nginx, Do: "Drop DHE (!kDHE, with ECDHE in front), or make a longer prime.",
			Lines: "openssl dhparam -out /etc/nginx/dhparam-2048.pem 2048\n# in the server block\nssl_dhparam /etc/nginx/dhparam-2048.pem;\n# or\nssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5:!kDHE;"},
		{On: finding.Apache, Do: "Update to 2.4.7 or later, which fits the prime to the key, or drop DHE.",
			Lines: "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5:!kDHE"},
		{On: finding.Java, Do: "Make the prime as long as the key (Java 8 and later), or name ECDHE suites only.", Lines: "-Djdk.tls.ephemeralDHKeySize=2048"},
		{On: finding.Node, Do: "Give dhparam of 2,048 bits, or leave it out: then there is no DHE.", Lines: "https.createServer({ dhparam: 'auto', /* key, cert */ })"},
		{On: finding.Lunette, Do: "Lunette offers no DHE, so that the origin has to be mended. Where it has RSA key exchange besides, that can be offered, without forward secrecy.",
			Lines: "origin:\n  tls:\n    profile: compatible"},
	},
	Sources: []string{"RFC 7919", "weakdh.org (Logjam)", "Microsoft: TLS registry settings, Diffie-Hellman", "nginx: ngx_http_ssl_module, ssl_dhparam"},
	Run:     runWeakDH,
}

func runWeakDH(c *check.Case) *check.Verdict {
	f := c.Flow
	if r, ok := refused(f); ok {
		return onlyWeakDH(c, &r)
	}
	i, k := shortPrime(f)
	if k == nil {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, fmt.Sprintf("the origin sends a Diffie-Hellman prime of %d bits (%s)", k.Bits, k.Kind))}}
	alert := clientAlert(f)
	switch {
	case alert >= 0 && slices.Contains([]int{alertHandshakeFailure, alertIllegalParameter, alertInsufficientSecurity, alertInternalError}, f.Facts[alert].Code) && alert > i:
		v.Proof = append(v.Proof, f.Proof(alert, fmt.Sprintf("the client breaks off with alert %d %s", f.Facts[alert].Code, f.Facts[alert].Text)))
		v.Summary = fmt.Sprintf("The origin's prime has %d bits, and the client breaks off: libraries want %d.", k.Bits, enoughBits)
	case f.Established():
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The origin's prime has %d bits; this client took it, others want %d.", k.Bits, enoughBits)
	default:
		return nil
	}
	return v
}

// shortPrime is the ServerKeyExchange of f with a prime that is too short, with its index; nil without.
func shortPrime(f *check.Flow) (int, *fact.KeyExchange) {
	i := f.First(fact.TLSServerKeyExchange)
	if i < 0 {
		return -1, nil
	}
	k, _ := f.Facts[i].Detail.(*fact.KeyExchange)
	if k == nil || k.Bits == 0 || k.Bits >= enoughBits {
		return -1, nil
	}
	return i, k
}

// onlyWeakDH finds an origin that refuses a hello without DHE, and of other hellos takes nothing but DHE with a short prime.
func onlyWeakDH(c *check.Case, r *refusal) *check.Verdict {
	if r.hello == nil || r.how != fact.TLSAlert || r.alert != alertHandshakeFailure && r.alert != alertInsufficientSecurity || keyed(r.hello.Suites, "DHE_RSA", "DHE_DSS") {
		return nil
	}
	f := c.Flow
	var v *check.Verdict
	for _, o := range c.Compared() {
		h := answered(o)
		if h == nil || h.ServerName != r.hello.ServerName || o.Server != f.Server {
			continue
		}
		i, k := shortPrime(o)
		switch {
		case k == nil:
			return nil // another key exchange is answered, or a prime that is long enough
		case v == nil && offersVersion(r.hello, newest(o)):
			v = &check.Verdict{Confidence: finding.Likely, Settle: "the origin's list of cipher suites: does it hold ECDHE or RSA key exchange besides",
				Proof: append(r.proof(f), f.ProofOther(&o.Facts[i], fmt.Sprintf("to another hello the origin sends a Diffie-Hellman prime of %d bits (%s)", k.Bits, k.Kind))),
				Summary: fmt.Sprintf("The origin %s, which offers no DHE; of other hellos it takes DHE alone, with a prime of %d bits, and libraries want %d.",
					r.did(), k.Bits, enoughBits)}
		}
	}
	return v
}
