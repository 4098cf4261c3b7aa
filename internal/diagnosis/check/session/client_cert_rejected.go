package session

import (
	"fmt"
	"strconv"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func clientCertRejected() check.Check {
	return check.Check{
		Code:      "tls.client_cert_rejected",
		Title:     "the origin rejects the client certificate that it was shown",
		Severity:  finding.Critical,
		Catalogue: []int{36},
		Refines: []reason.Code{reason.TLSClientCertRejected, reason.TLSAlert, reason.TLSRenegotiationFailed, reason.TLSReset, reason.ReadResetBeforeHeader,
			reason.OriginStatus4xx},
		On:       []fact.Kind{fact.TLSCertificate, fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth, fact.OriginLogged},
		Silences: []finding.Code{"tls.handshake_alert", "tls.closed_after_hello", "http1.reset_before_answer", "http1.closed_before_answer", "tcp.reset_after_accept"},
		Text: `The client showed a certificate (Certificate and CertificateVerify) and the origin did not like it. OpenSSL servers break the
handshake off with an alert that names the reason: bad_certificate (42), unsupported_certificate (43), certificate_revoked (44),
certificate_expired (45), certificate_unknown (46), **unknown_ca** (48), access_denied (49). IIS completes the handshake and
answers with a status: 403.16 untrusted or invalid, **403.13** revoked or the revocation list not reachable, 403.17 out of its
dates, 403.12 not mapped to an account. The substatus stands in the site's log, not always in the page.

nginx reports the alert (*tlsv1 alert unknown ca: SSL alert number 48*), Go *remote error: tls: unknown certificate authority*,
HAProxy only *SSL handshake failure* or **SH**. nginx as the origin answers *400 The SSL certificate error*.

On Windows the usual reasons are a root that lies in the user's store instead of the computer's, any certificate among the trusted
roots that is not self-signed (it spoils the whole list), and a server that cannot reach the revocation list. An empty Certificate
message is tls.client_cert_required instead.`,
		Asks: []string{
			"On IIS: sc-substatus in the site's log (12, 13, 16, 17), and event log CAPI2 (Microsoft-Windows-CAPI2/Operational)",
			"On Windows, what spoils the list of roots: `Get-ChildItem Cert:\\LocalMachine\\Root | Where-Object { $_.Issuer -ne $_.Subject }`",
			"On the origin: `openssl verify -CAfile clients-ca.pem -purpose sslclient gateway.crt`, on Windows `certutil -verify -urlfetch gateway.crt`",
		},
		Mends: []finding.Mend{
			{On: finding.Lunette, Do: "Show a certificate that is in its dates, for client authentication, from an authority that the origin accepts, with its intermediates in the file.",
				Lines: "origin:\n  tls:\n    client_certificate: {file: gateway.crt, key: gateway.key}"},
			{On: finding.IIS, Do: "Put the root of the client's authority into the computer's store of trusted roots (which every service of the machine then trusts), its intermediates into CA, and nothing that is not self-signed into Root.",
				Lines: "# PowerShell, as administrator\ncertutil -addstore Root clients-root.cer\ncertutil -addstore CA clients-intermediate.cer"},
			{On: finding.IIS, Do: "Where the revocation list cannot be reached (403.13): open the way to it, or name the HTTP proxy, which then holds for every service of the machine that uses WinHTTP.",
				Lines: "# PowerShell, as administrator\ncertutil -verify -urlfetch gateway.crt\nnetsh winhttp show proxy\n# with the name of yours: netsh winhttp set proxy PROXY:8080"},
			{On: finding.Nginx, Do: "Name the authority, and a depth that its chain fits.", Lines: "ssl_client_certificate /etc/nginx/clients-ca.pem;\nssl_verify_depth 3;"},
			{On: finding.Apache, Do: "Name the authority, and a depth that its chain fits.", Lines: "SSLCACertificateFile /etc/ssl/clients-ca.pem\nSSLVerifyDepth 3"},
			{On: finding.Java, Do: "Put the authority into the trust store of the connector.", Lines: "keytool -importcert -alias clients-ca -file clients-ca.pem -keystore conf/clients.p12"},
			{On: finding.Node, Do: "Name the authority (ca replaces the built-in list).", Lines: "https.createServer({ requestCert: true, ca: fs.readFileSync('clients-ca.pem'), key, cert }, app)"},
			{On: finding.IIS, Do: "Last resort for 403.13: do not check revocation; a stolen, revoked certificate is then accepted. " + olderWindows,
				Lines: bindingLines("clientcertnegotiation=AS-SHOWN verifyclientcertrevocation=disable")},
		},
		Sources: []string{"RFC 5246 section 7.2.2", "RFC 8446 section 6.2", "Microsoft KB943891 (HTTP status codes: 403.12 to 403.17)", "Microsoft: TLS registry settings (SendTrustedIssuerList, ClientAuthTrustMode)"},
		Run:     runClientCertRejected,
	}
}

func runClientCertRejected(c *check.Case) *check.Verdict {
	f := c.Flow
	given := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSCertificate && x.Side == fact.SideClient && !emptyCertificate(x)
	})
	if given < 0 {
		if v := rejectedByLog(f); v != nil {
			return v
		}
		return rejectedLive(f)
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(given, "the client shows its certificate: "+subject(&f.Facts[given]))}}
	s := sentenceAfter(f, given)
	if f.Watched&check.Records != 0 && lostBetween(f, fact.SideNone, given, -1) {
		return nil // the server's own answer may be among what the capture lacks
	}
	log, sub := loggedSubstatus(f)
	how := ""
	switch {
	case s.alert >= 0 && f.Facts[s.alert].Kind == fact.TLSAlert:
		x := &f.Facts[s.alert]
		if !aboutCertificate(x.Code) && x.Code != alertHandshakeFailure && x.Code != alertDecryptError {
			return nil
		}
		how = "broke off with " + alertWords(x)
		v.Proof = append(v.Proof, f.Proof(s.alert, "the origin breaks off with "+alertWords(x)))
		if !aboutCertificate(x.Code) || x.Code == alertAccessDenied {
			v.Confidence, v.Settle = finding.Likely, "the origin's log (--origin-log), or the same request with another certificate"
		}
	case s.head >= 0 && refusesAll(c, f):
		how = "answered " + strconv.Itoa(f.Facts[s.head].Code)
		v.Confidence, v.Severity = finding.Possible, finding.Info // pages are forbidden for many reasons
		v.Settle = "sc-substatus in the origin's log (12, 13, 16 or 17 is about the certificate; --origin-log), or the same request without a certificate"
		if nginxPage(&f.Facts[s.head], nginxRefusedPage) {
			v.Confidence, v.Severity, v.Settle = finding.Likely, 0, "the origin's error log (--origin-log)"
			how += " with the page that nginx has for this"
		}
		if o := servedWithout(c, f); o != nil {
			v.Confidence, v.Severity = finding.Likely, 0
			v.Proof = append(v.Proof, f.ProofOther(&o.Facts[o.First(fact.ResponseHead)], "without a certificate the page is served"))
		}
		v.Proof = append(v.Proof, f.Proof(s.head, "the origin "+how))
	case s.head < 0 && spoke(f, given) < 0 && s.end.At >= 0 && s.end.Side == fact.SideServer && !s.done && s.end.Time.Sub(f.Facts[given].At) < patience:
		how = "broke off without a word: " + endWords(s.end)
		v.Confidence, v.Settle = finding.Likely, "the origin's log (--origin-log)"
		v.Proof = append(v.Proof, f.Proof(s.end.At, endWords(s.end)))
	}
	if log >= 0 {
		if v.Severity = 0; how == "" || v.Confidence == finding.Possible {
			byLog(f, log, v)
		}
		believe(f, v, log)
		v.Proof = append(v.Proof, f.Proof(log, logWords(&f.Facts[log])+": "+sub))
		if how == "" {
			how = "refused it by its log"
		}
		how += " (" + sub + ")"
	}
	if how == "" {
		return nil
	}
	v.Summary = fmt.Sprintf("The origin was shown the client certificate %s and %s.", subject(&f.Facts[given]), how)
	return v
}

// refusesAll reports whether each answer of f is one that IIS or nginx give for a certificate that they do not like.
func refusesAll(c *check.Case, f *check.Flow) bool {
	status := map[finding.System]int{finding.IIS: 403, finding.Nginx: 400}[check.System(c)]
	for i := range f.Exchanges() {
		if s := f.Exchanges()[i].Status(); s != 0 && s != status {
			return false
		}
	}
	return status != 0 && len(f.Exchanges()) > 0
}

// servedWithout is another connection to the same path on which no certificate was shown, and the page was served; nil without.
func servedWithout(c *check.Case, f *check.Flow) *check.Flow {
	for _, o := range c.Others {
		if o.FirstOf(fact.SideClient, fact.TLSCertificate) < 0 && pleased(o) && sameTarget(f, o) && o.Watched&check.Plain != 0 {
			return o
		}
	}
	return nil
}

// subject names the certificate of a Certificate message.
func subject(x *fact.Fact) string {
	if x.Text == "" {
		return "(its subject was not read)"
	}
	return x.Text
}

// loggedSubstatus is the line of the origin's log with a status about the client's certificate, and what it means.
func loggedSubstatus(f *check.Flow) (int, string) {
	means := ""
	i, _ := f.Logged(func(l *fact.OriginLog) bool {
		switch {
		case l.Format == "apache_error" && (l.Phrase == "AH02262" || l.Phrase == "AH02276" || l.Phrase == "AH02039"):
			means = "the certificate failed verification"
			return true
		case l.Status != 403:
			return false
		}
		means = map[int]string{12: "not mapped to an account", 13: "revoked, or the revocation list cannot be reached", 16: "untrusted or invalid", 17: "expired or not yet valid"}[l.Substatus]
		return means != ""
	})
	return i, means
}

// rejectedByLog is what the origin's log says where the handshake is sealed.
func rejectedByLog(f *check.Flow) *check.Verdict {
	i, means := loggedSubstatus(f)
	if i < 0 || f.FirstOf(fact.SideClient, fact.TLSCertificate) >= 0 {
		return nil
	}
	return byLog(f, i, &check.Verdict{Proof: []finding.Proof{f.Proof(i, logWords(&f.Facts[i])+": "+means)},
		Summary: "By its own log the origin rejected the client certificate of this connection: " + means + "."})
}

// rejectedLive is what the gateway classified: it knows that it showed a certificate.
func rejectedLive(f *check.Flow) *check.Verdict {
	if !certificateReason(f, reason.TLSClientCertRejected) || len(f.Facts) == 0 {
		return nil
	}
	at := fatalAfter(f, fact.SideServer, -1)
	how := "broke off (" + f.Detail + ")"
	if at >= 0 {
		how = "broke off with " + alertWords(&f.Facts[at])
	} else {
		at = len(f.Facts) - 1
	}
	return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the origin "+how)},
		Summary: "The origin was shown Lunette's client certificate and " + how + "."}
}
