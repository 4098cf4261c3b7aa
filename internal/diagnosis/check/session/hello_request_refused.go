package session

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func helloRequestRefused() check.Check {
	return check.Check{
		Code:      "tls.hello_request_refused",
		Title:     "the origin asked to renegotiate and the client refused",
		Severity:  finding.Critical,
		Catalogue: []int{34},
		Refines:   []reason.Code{reason.TLSRenegotiationRefused, reason.TLSRenegotiationAsked, reason.TLSAlert, reason.ReadResetBeforeHeader, reason.ReadEOFBeforeHeader},
		On:        []fact.Kind{fact.TLSHelloRequest},
		Silences: []finding.Code{"tls.handshake_alert", "http1.reset_before_answer", "http1.closed_before_answer", "http1.slow_first_byte", "http1.answer_stalled",
			"read.timer_inversion", "tcp.reset_after_accept", "tls.no_close_notify"},
		Text: `The origin reads the request and sends a TLS **HelloRequest**: it wants a second handshake, nearly always to ask for a client
certificate. The client refuses with the warning **no_renegotiation** (100), as RFC 5246 section 7.2.2 allows; the origin decides
what becomes of that. OpenSSL servers answer with the fatal alert handshake_failure (40), IIS resets, both within milliseconds; a
GnuTLS server may go on and serve the page. So it is an instant 502, never a wait.

Go refuses unless told otherwise (Caddy, Traefik and every Go proxy: *local error: tls: no renegotiation*, and with a large POST
only *use of closed network connection*), as do Envoy with BoringSSL (503, *OPENSSL_internal:NO_RENEGOTIATION*, flag **UC**),
rustls, BouncyCastle and HAProxy on AWS-LC. nginx and HAProxy on OpenSSL answer silently with an empty certificate. Browsers and
curl answer too, which is why it "works directly".

On the wire: the server's record of type handshake after application data, then a record of type alert from the client, then the
server's alert or reset. An alert of the client that comes much later is no refusal but the close_notify of one that gave up
waiting (tls.hello_request_ignored).`,
		Asks: []string{
			"On Apache httpd: `grep -E 'AH02261|AH02225' /var/log/apache2/error.log`; AH02221 (LogLevel ssl:info) says that it asked",
			"On IIS, who asks: `findstr /si \"SslNegotiateCert SslRequireCert\" %windir%\\system32\\inetsrv\\config\\applicationHost.config`",
		},
		Mends:   append(mendsAsking(), mendAnswer()),
		Sources: []string{"RFC 5246 sections 7.2.2 and 7.4.1.1", "envoy#3551 (allow_renegotiation)", "caddy#4785 (tls_renegotiation)", "pomerium#3481", "rustls#1999", "deno#32245"},
		Run:     runHelloRequestRefused,
	}
}

func runHelloRequestRefused(c *check.Case) *check.Verdict {
	if v := refused(c.Flow); v != nil {
		return v
	}
	for _, o := range c.Others {
		if o.Purpose == "" {
			continue
		}
		if v := refused(o); v != nil && v.Severity != finding.Info {
			return ofVariant(c.Flow, o, v, "A client that refuses the origin's HelloRequest gets no page")
		}
	}
	return nil
}

func refused(f *check.Flow) *check.Verdict {
	for _, a := range requests(f) {
		if a.answer != refusal || overHTTP2(f, a.at) {
			continue
		}
		until, content, end := over(f, a.by)
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{
			f.Proof(a.at, "the origin sends HelloRequest: it asks to renegotiate"),
			f.Proof(a.by, "the client refuses (no_renegotiation) after "+finding.Span(f.Since(a.at, a.by)))}}
		if f.Facts[a.by].Kind == fact.TLSEncryptedAlert {
			v.Proof[1].Text = "the client answers with an alert after " + finding.Span(f.Since(a.at, a.by)) + ": it refuses"
		}
		waited := until.Sub(f.Facts[a.by].At)
		v.Summary = fmt.Sprintf("The origin answered %s with a HelloRequest, the client refused to renegotiate, and %s.", line(f, a.at), aftermath(f, v, content, end, waited))
		explainRefusal(f, v)
		return v
	}
	return nil
}

// aftermath is what became of the request, as a clause; it sets what follows from that in v.
func aftermath(f *check.Flow, v *check.Verdict, content int, end check.End, waited time.Duration) string {
	switch {
	case content >= 0 && waited >= patience:
		v.Severity, v.Waited = finding.Warning, waited
		v.Proof = append(v.Proof, f.Proof(content, "the origin serves the page all the same, "+finding.Span(waited)+" later"))
		return "the origin waited " + finding.Span(waited) + " before it served the page all the same"
	case content >= 0:
		v.Severity = finding.Info
		v.Proof = append(v.Proof, f.Proof(content, "the origin serves the page all the same"))
		return "the origin served the page all the same"
	case end.At >= 0:
		text := "it ends: " + endWords(end)
		if x := &f.Facts[end.At]; x.Kind == fact.TLSAlert && fatal(x) {
			text = "the " + x.Side.String() + " breaks off with " + alertWords(x)
		}
		v.Proof = append(v.Proof, f.Proof(end.At, text))
		if waited >= patience {
			v.Waited = waited
		}
		return endWords(end) + " " + finding.Span(waited) + " later, without an answer"
	}
	v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
	return "no answer was seen"
}

// explainRefusal adds why Lunette refused, where it was Lunette.
func explainRefusal(f *check.Flow, v *check.Verdict) {
	if !f.Ours || f.Reason != reason.TLSRenegotiationRefused {
		return
	}
	if f.Detail != "" {
		v.Summary += " Lunette refused by its settings (" + f.Detail + ")."
	}
	if len(f.Detail) >= 8 && f.Detail[:8] == "insecure" {
		v.Mends = append(v.Mends,
			finding.Mend{On: finding.Origin, Do: "Patch the origin's TLS stack so that it knows RFC 5746 (secure renegotiation)."},
			finding.Mend{On: finding.Lunette, Do: "Or renegotiate without RFC 5746: who is on the way to the origin can then put a request of his own in front of the user's; only where that network is yours.",
				Lines: "origin:\n  tls:\n    insecure_renegotiation: true"})
	}
}
