package session

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func clientCertRequired() check.Check {
	return check.Check{
		Code:      "tls.client_cert_required",
		Title:     "the origin requires a client certificate and got none",
		Severity:  finding.Critical,
		Catalogue: []int{31, 35},
		Refines: []reason.Code{reason.TLSClientCertRequired, reason.TLSAlert, reason.TLSReset, reason.TLSEOF, reason.TLSRenegotiationFailed,
			reason.ReadResetBeforeHeader, reason.ReadEOFBeforeHeader, reason.OriginStatus4xx},
		On: []fact.Kind{fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth, fact.TLSHelloRequest, fact.TLSAlert, fact.TLSServerHello, fact.OriginLogged},
		Silences: []finding.Code{"tls.handshake_alert", "tls.closed_after_hello", "http1.reset_before_answer", "http1.closed_before_answer", "tls.no_common_cipher",
			"tls.post_handshake_auth", "tcp.reset_after_accept", "tls.no_close_notify"},
		Text: `The origin sends a **CertificateRequest**, the client answers with an empty Certificate message, and the origin breaks off. When
it asks tells how it looks. In the handshake up to TLS 1.2: alert handshake_failure (40) before the handshake is done. In TLS 1.3
the handshake *succeeds* for the client, and alert **certificate_required** (116) comes behind the request, often lost in a reset,
so that proxies report a broken connection instead of a refused one. After the request (HelloRequest, or post-handshake
authentication): the page's path decides, other paths work; IIS then may complete the handshake and answer 403.7.

nginx (ssl_verify_client on) lets every handshake succeed and refuses in HTTP: **400** *No required SSL certificate was sent*, told here
by the length of its page. With *optional* the configuration or the application refuses, mostly with 403, which pages get for many
reasons.

nginx says *SSL_read() failed (... alert number 40) while reading response header* or *tlsv13 alert certificate required*, HAProxy
**SH** or *SSL handshake failure*, Go *remote error: tls: handshake failure*, curl 56. Only Apache mod_proxy names it: AH02268
*downstream server wanted client certificate but none are configured*. The origin's Apache logs AH02261 or AH02263, its access log
a 403 that the peer never saw.

A certificate that was sent and not liked is tls.client_cert_rejected. Alert 40 without a CertificateRequest before it is about
suites, groups or names.`,
		Asks: []string{
			"On nginx: `grep 'no required SSL certificate' /var/log/nginx/error.log` (error_log … info)",
			"On IIS: sc-substatus in the site's log; 403.7 is a missing client certificate",
			"On Apache httpd: `grep -E 'AH02261|AH02263' /var/log/apache2/error.log`",
			"Which authorities does the origin accept, and who may issue a certificate for Lunette?",
		},
		Mends:   slices.Concat(mendsDemanded(), mendsAsking(), mendsOpening()),
		Sources: []string{"RFC 5246 sections 7.4.4 and 7.4.6", "RFC 8446 sections 4.3.2, 4.4.2 and 6.2 (certificate_required)", "Microsoft KB943891 (HTTP status codes: 403.7)", "Apache mod_ssl: SSLVerifyClient"},
		Run:     runClientCertRequired,
	}
}

func runClientCertRequired(c *check.Case) *check.Verdict {
	f := c.Flow
	for _, d := range demands(f) {
		if d.given >= 0 && !d.empty {
			continue
		}
		if v := withoutCertificate(c, f, &d); v != nil {
			return v
		}
	}
	// What says it in so many words needs no CertificateRequest that was seen.
	if i := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSAlert && x.Side != fact.SideClient && x.Code == alertCertRequired
	}); i >= 0 && !gaveCertificate(f) {
		return &check.Verdict{Confidence: finding.Certain, Instead: true, Mends: append(mendsDemanded(), mendsOpening()...), Proof: []finding.Proof{f.Proof(i, "the origin breaks off with "+alertWords(&f.Facts[i]))},
			Summary: "The origin broke off with alert 116 (certificate_required): it wants a client certificate and got none."}
	}
	if i := loggedRequired(f); i >= 0 && !gaveCertificate(f) {
		return byLog(f, i, &check.Verdict{Proof: []finding.Proof{f.Proof(i, logWords(&f.Facts[i]))},
			Summary: "By its own log the origin wanted a client certificate on this connection and got none."})
	}
	return nil
}

// gaveCertificate reports whether the client showed one.
func gaveCertificate(f *check.Flow) bool {
	i := f.FirstOf(fact.SideClient, fact.TLSCertificate)
	return i >= 0 && !emptyCertificate(&f.Facts[i])
}

// loggedRequired is the line of the origin's log that says that a certificate was lacking.
func loggedRequired(f *check.Flow) int {
	if i := logged(f, "AH02263"); i >= 0 {
		return i
	}
	i, _ := f.Logged(func(l *fact.OriginLog) bool {
		return l.Status == 403 && l.Substatus == 7 || l.Format == "nginx_error" && l.Phrase == "client sent no required SSL certificate"
	})
	return i
}

// withoutCertificate judges what came of an empty certificate.
func withoutCertificate(c *check.Case, f *check.Flow, d *demand) *check.Verdict {
	from := d.at
	v := &check.Verdict{Confidence: finding.Certain}
	asks := "the origin asks for a client certificate " + d.when
	if d.dark {
		asks = "the origin asks to renegotiate"
		if f.Version() == tls13 {
			asks = "TLS 1.3, sealed: a request for a certificate does not show"
		}
	}
	v.Proof = append(v.Proof, f.Proof(d.at, asks))
	if d.given >= 0 {
		from = d.given
		text := "the client answers with an empty certificate"
		if d.dark {
			text = "what the client sends has the length of an empty certificate"
		}
		v.Proof = append(v.Proof, f.Proof(d.given, text))
	}
	if f.Watched&check.Records != 0 && lostBetween(f, fact.SideNone, d.at, -1) {
		return nil // what it got, or what came of it, may be among what the capture lacks
	}
	s := sentenceAfter(f, from)
	live := certificateReason(f, reason.TLSClientCertRequired)
	how := ""
	if s.alert < 0 {
		how = refusedAtHead(f, v, d, &s)
	}
	switch {
	case how != "":
	case s.alert >= 0:
		how = judgeAlert(f, v, d, s.alert, live)
	case s.head < 0 && spoke(f, from) < 0 && s.end.At >= 0 && s.end.Side == fact.SideServer && s.end.Time.Sub(f.Facts[from].At) < patience && d.given >= 0 && (!s.done || f.Version() == tls13):
		how = "broke off without a word: " + endWords(s.end)
		v.Confidence, v.Settle = finding.Likely, "the origin's log (--origin-log), or the same request with a certificate"
		if s.end.How == fact.TCPClosed && s.done {
			v.Confidence = finding.Possible // a reset loses the alert, a FIN does not
		}
		v.Proof = append(v.Proof, f.Proof(s.end.At, endWords(s.end)+", "+finding.Span(s.end.Time.Sub(f.Facts[from].At))+" after it"))
	case live:
		how = "broke off (" + f.Detail + ")"
		v.Proof = append(v.Proof, f.Proof(len(f.Facts)-1, "the connection failed: "+string(f.Reason)+" "+f.Detail))
	}
	if how == "" {
		return nil
	}
	if i := loggedRequired(f); i >= 0 {
		believe(f, v, i)
		v.Proof = append(v.Proof, f.Proof(i, logWords(&f.Facts[i])))
	}
	if o, at := withCertificate(c, f, d); at >= 0 && v.Confidence != finding.Certain {
		v.Severity = 0
		if v.Confidence++; v.Confidence == finding.Certain {
			v.Settle = ""
		}
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[at], "on another connection, with a certificate, the same is answered"))
	}
	if d.when == "in the handshake" && !d.dark {
		v.Instead, v.Mends = true, append(mendsDemanded(), mendsOpening()...) // it asks where it should
	}
	v.Summary = fmt.Sprintf("The origin asked for a client certificate %s, got none, and %s.", d.when, how)
	return v
}

// judgeAlert weighs the alert that followed an empty certificate.
func judgeAlert(f *check.Flow, v *check.Verdict, d *demand, at int, live bool) string {
	x := &f.Facts[at]
	if x.Kind != fact.TLSAlert && d.given < 0 {
		return ""
	}
	if x.Kind != fact.TLSAlert {
		v.Confidence, v.Settle = finding.Likely, "the secrets, to read the alert, or the origin's log (--origin-log)"
		v.Proof = append(v.Proof, f.Proof(at, "the origin breaks off with an alert (sealed)"))
		return "broke off with an alert"
	}
	settles := x.Code == alertCertRequired || x.Code == alertNoCertificate || x.Code == alertHandshakeFailure || aboutCertificate(x.Code)
	if !settles {
		return "" // of another cause
	}
	if d.given < 0 && x.Code != alertCertRequired && !live || d.dark {
		v.Confidence, v.Settle = finding.Likely, "a capture that shows the client's Certificate message, with its secrets"
	}
	v.Proof = append(v.Proof, f.Proof(at, "the origin breaks off with "+alertWords(x)))
	return "broke off with " + alertWords(x)
}

// withCertificate is another connection to the same server that showed a certificate and was given what f asked for, with the index of
// the answer, -1 without. Where f never got to ask, a handshake that was completed is enough.
func withCertificate(c *check.Case, f *check.Flow, d *demand) (*check.Flow, int) {
	asked := ""
	if all := f.Exchanges(); len(all) > 0 {
		asked = all[len(all)-1].Line()
	}
	for _, o := range c.Others {
		if o.Server != f.Server || o.Name != f.Name || o.Version() != f.Version() || !gaveCertificate(o) {
			continue
		}
		if done := o.First(fact.TLSHandshakeDone); asked == "" && d.when == "in the handshake" && f.Version() != tls13 && done >= 0 {
			return o, done
		}
		for i := range o.Exchanges() {
			if x := &o.Exchanges()[i]; asked != "" && x.Line() == asked && x.Status() >= 200 && x.Status() < 400 {
				return o, x.ResponseAt
			}
		}
	}
	return nil, -1
}
