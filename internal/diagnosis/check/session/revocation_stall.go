package session

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// fetching is how long a handshake must stand still behind a client certificate before a fetch of a revocation list is a guess at all.
const fetching = 4 * time.Second

func revocationStall() check.Check {
	return check.Check{
		Code:      "tls.revocation_stall",
		Title:     "the origin lets the handshake stand behind the client certificate, as when it waits for a revocation list",
		Severity:  finding.Warning,
		Catalogue: []int{47},
		Refines:   []reason.Code{reason.TLSTimeout, reason.ReadFirstByteTimeout, reason.TLSRenegotiationFailed, reason.TLSClientCertRejected},
		On:        []fact.Kind{fact.TLSCertificate, fact.TLSClientKeyExchange},
		Silences:  []finding.Code{"http1.slow_first_byte", "tls.silent_after_hello", "tls.handshake_stalled", "read.timer_inversion"},
		Text: `The client showed a certificate, and now the origin checks it. Windows fetches the revocation list or asks the OCSP responder **in
the middle of the handshake**, with time-outs of its own: 15 s for the first address (CryptoAPI's default), 45 s and more with
several. Where outgoing HTTP is closed, as on most servers, every time-out is run through. Afterwards the failure is remembered
for a while, so that **only the first** connection, or the first of each hour, is slow; then it either goes on or ends in 403.13.

The site's log shows a normal time-taken, because the handshake is over before the request counts. Proxies report a slow or failed
handshake: nginx *upstream timed out while SSL handshaking to upstream*, Go *TLS handshake timeout*.

On the wire: the client's Certificate and Finished, then nothing of the server until its ChangeCipherSpec, where a check of a
certificate takes milliseconds. At the origin itself SYNs to the addresses of the revocation list stand unanswered. Silence before
the client's certificate is something else, and a lookup in a directory (certificate mapping) looks the same from outside.`,
		Asks: []string{
			"On the origin: `certutil -verify -urlfetch gateway.crt` (how long does it take?), event log Microsoft-Windows-CAPI2/Operational",
			"On the origin, while it stands: `netstat -ano | findstr SYN_SENT`",
			"Which addresses does the certificate name? `openssl x509 -noout -ext crlDistributionPoints,authorityInfoAccess -in gateway.crt`",
		},
		Mends: []finding.Mend{
			{On: finding.IIS, Do: "Open the way to the revocation list, or tell Windows its HTTP proxy (for all its services that use WinHTTP); then empty the caches.", Lines: "# PowerShell, as administrator\nnetsh winhttp show proxy\n# with the name of yours: netsh winhttp set proxy PROXY:8080\ncertutil -urlcache * delete\ncertutil -setreg chain\\ChainCacheResyncFiletime @now"},
			{On: finding.IIS, Do: "Or bound the wait (milliseconds). " + olderWindows,
				Lines: bindingLines("clientcertnegotiation=AS-SHOWN urlretrievaltimeout=2000")},
			{On: finding.Apache, Do: "With SSLOCSPEnable: bound the wait for the responder.", Lines: "SSLOCSPResponderTimeout 2"},
			{On: finding.Nginx, Do: "With ssl_ocsp: name a resolver that answers, or take ssl_ocsp out.", Lines: "resolver RESOLVER;\nssl_ocsp on;          # or off: revoked certificates are then accepted\nssl_ocsp_cache shared:ocsp:10m;"},
			{On: finding.Network, Do: "Allow the origin to reach the CRL and OCSP addresses that the clients' certificates name (TCP port 80)."},
			{On: finding.Lunette, Do: "Give the handshake more time than the origin's fetch takes, until the way is open.", Lines: "origin:\n  timeouts:\n    tls: 60s"},
			{On: finding.IIS, Do: "Last resort: do not check revocation; a stolen, revoked certificate is then accepted. " + olderWindows,
				Lines: bindingLines("clientcertnegotiation=AS-SHOWN verifyclientcertrevocation=disable")},
		},
		Sources: []string{"Microsoft KB884115 (revocation time-out of 15 s)", "Microsoft: netsh http add sslcert (urlretrievaltimeout, verifyclientcertrevocation)", "RFC 5280 section 4.2.1.13"},
		Run:     runRevocationStall,
	}
}

func runRevocationStall(c *check.Case) *check.Verdict {
	f := c.Flow
	given := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSCertificate && x.Side == fact.SideClient && !emptyCertificate(x)
	})
	if given < 0 || lostBetween(f, fact.SideNone, given, -1) {
		return nil
	}
	last := given // of the client's flight
	for i := given; i >= 0; i = f.NextOf(fact.SideClient, i, fact.TLSClientKeyExchange, fact.TLSCertificateVerify, fact.TLSChangeCipherSpec, fact.TLSFinished, fact.TLSEncryptedMessage) {
		if f.Since(given, i) < patience {
			last = i
		}
	}
	heard := f.Heard(fact.SideServer, last)
	end := f.EndAfter(last)
	at, when := heard, end.Time
	if heard >= 0 {
		when = f.Facts[heard].At
	} else {
		at = end.At
	}
	if f.Has(fact.RequestHead, fact.RequestSent) && f.Version() == tls13 {
		return nil // in TLS 1.3 the request follows at once: a slow page looks the same
	}
	waited := when.Sub(f.Facts[last].At)
	if waited < fetching {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Possible, Waited: waited, Proof: []finding.Proof{f.Proof(given, "the client shows its certificate: "+subject(&f.Facts[given])),
		f.Proof(last, "its part of the handshake is done: the origin's turn")},
		Settle: "certutil -verify -urlfetch on the origin, or a capture there that shows its connections to the revocation list"}
	if at >= 0 {
		v.Proof = append(v.Proof, f.Proof(at, "only now it goes on, or ends, "+finding.Span(waited)+" later"))
	}
	if o := quickOther(c, f.Facts[given].Text); o != nil || len(check.Timers(waited)) > 0 {
		v.Confidence = finding.Likely
		if o != nil {
			v.Proof = append(v.Proof, f.ProofOther(&o.Facts[o.First(fact.TLSHandshakeDone)], "with the same certificate another handshake was quick"))
		}
	}
	if heard < 0 {
		v.Severity = finding.Critical
	}
	v.Summary = fmt.Sprintf("The origin let the handshake stand for %s after it was shown the client certificate %s.", finding.Span(waited), subject(&f.Facts[given]))
	return v
}

// quickOther is another connection with this client certificate whose handshake took less than a second.
func quickOther(c *check.Case, subject string) *check.Flow {
	for _, o := range c.Others {
		i := o.FirstOf(fact.SideClient, fact.TLSCertificate)
		done := o.First(fact.TLSHandshakeDone)
		if i >= 0 && done > i && o.Facts[i].Text == subject && o.Since(i, done) < patience {
			return o
		}
	}
	return nil
}
