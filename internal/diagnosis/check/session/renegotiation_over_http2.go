package session

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// http11Required is the error code of HTTP/2 (RFC 9113 section 7).
const http11Required = 13

func renegotiationOverHTTP2() check.Check {
	return check.Check{
		Code:      "tls.renegotiation_over_http2",
		Title:     "the origin wants a new handshake, or a client certificate, over HTTP/2, which forbids that",
		Severity:  finding.Critical,
		Catalogue: []int{41},
		Refines:   []reason.Code{reason.HTTP2RST, reason.TLSRenegotiationRefused, reason.HTTP2GoAway},
		On:        []fact.Kind{fact.HTTP2RstStream, fact.HTTP2GoAway, fact.TLSHelloRequest},
		Silences:  []finding.Code{"http2.http_1_1_required", "http2.stream_reset", "http2.goaway_race", "tls.hello_request_refused", "tls.hello_request_ignored", "tls.handshake_alert"},
		Text: `HTTP/2 puts many requests on one connection, so a handshake for one of them cannot be told apart from the others: RFC 9113 section
9.2.1 forbids renegotiation once the preface was sent, section 9.2.3 the client certificate asked for after a TLS 1.3 handshake. A
server whose path wants a certificate answers that stream with RST_STREAM **HTTP_1_1_REQUIRED** (13) and expects the request again
over HTTP/1.1. One that sends HelloRequest all the same breaks the rule, and clients answer PROTOCOL_ERROR or close.

curl and browsers repeat the request over HTTP/1.1 without a word; Go does not (*stream error: stream ID 1; HTTP_1_1_REQUIRED*),
nor do k6, Traefik and other programs made with it. nginx speaks HTTP/1.1 to its upstreams unless told otherwise, and never meets
it.

Other paths of the same site work over HTTP/2. Windows log-in (NTLM) is refused by IIS with the same code and has nothing to do
with certificates: then the request over HTTP/1.1 shows neither HelloRequest nor CertificateRequest (http2.http_1_1_required).`,
		Asks: []string{"Does the path want a client certificate? On Apache httpd: `grep -rn SSLVerifyClient /etc/apache2 /etc/httpd`; on IIS: SSL Settings of the folder"},
		Mends: append([]finding.Mend{
			{On: finding.Lunette, Do: "Speak HTTP/1.1 to this origin; with TLS 1.2, so that it can renegotiate.", Lines: "origin:\n  http: \"1.1\"\n  tls:\n    max_version: \"1.2\""},
			{On: finding.Apache, Do: "Offer HTTP/1.1 only where paths ask for certificates.", Lines: "<VirtualHost *:{port}>\n    ServerName {host}\n    Protocols http/1.1\n</VirtualHost>"},
			{On: finding.IIS, Do: "Turn HTTP/2 off for the binding (sslFlags 4, Windows Server 2019 and later): add 4 to the number that is there; 5 is SNI without HTTP/2.",
				Lines: sslFlagsLines()},
		}, mendsAsking()...),
		Sources: []string{"RFC 9113 sections 7, 9.2.1 and 9.2.3", "RFC 8740", "k6#1815", "Apache mod_http2"},
		Run:     runRenegotiationOverHTTP2,
	}
}

func runRenegotiationOverHTTP2(c *check.Case) *check.Verdict {
	f := c.Flow
	if i := f.First(fact.TLSHelloRequest); i >= 0 && overHTTP2(f, i) {
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "the origin sends HelloRequest on a connection that speaks HTTP/2")},
			Summary: "The origin asked for a new handshake on a connection that speaks HTTP/2, where renegotiation is forbidden."}
		if end := f.EndAfter(i); end.At >= 0 {
			v.Proof = append(v.Proof, f.Proof(end.At, "it ends: "+endWords(end)))
		}
		return v
	}
	i := f.Find(-1, func(x *fact.Fact) bool {
		return (x.Kind == fact.HTTP2RstStream || x.Kind == fact.HTTP2GoAway) && x.Side != fact.SideClient && x.Code == http11Required
	})
	if i < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Possible, Proof: []finding.Proof{f.Proof(i, "the origin answers HTTP_1_1_REQUIRED")},
		Settle: "the same request over HTTP/1.1: a HelloRequest or CertificateRequest there says that it is about certificates, a 401 that it is Windows log-in"}
	for _, o := range c.Others {
		at := o.First(fact.TLSHelloRequest, fact.TLSPostHandshakeAuth)
		if at < 0 || overHTTP2(o, at) || !sameTarget(f, o) {
			continue
		}
		v.Confidence, v.Settle = finding.Certain, ""
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[at], "the same request over HTTP/1.1: there the origin asks for the certificate"))
		v.Summary = "The origin refused " + target(f) + " over HTTP/2 (HTTP_1_1_REQUIRED): over HTTP/1.1 it asks for a client certificate after the request."
		if o.Purpose == "" && o.Start.After(f.Start) && o.Client.Addr() == f.Client.Addr() {
			v.Severity = finding.Warning
			v.Summary += " The client came again over HTTP/1.1; each such request costs a connection."
		}
		return v
	}
	return nil // http2.http_1_1_required says what is known
}

// overHTTP2 reports whether f speaks HTTP/2 at index i.
func overHTTP2(f *check.Flow, i int) bool {
	if at := f.First(fact.HTTP2Preface, fact.HTTP2Settings); at >= 0 && at < i {
		return true
	}
	if h, at := f.ServerHello(); h != nil && at < i && h.ALPN == "h2" {
		return true
	}
	return f.Reason == reason.TLSRenegotiationRefused && strings.Contains(f.Detail, "http/2")
}

// target is the first request of f in short.
func target(f *check.Flow) string {
	if x := f.Exchanges(); len(x) > 0 {
		return x[0].Line()
	}
	return "the request"
}

// sameTarget reports whether two connections asked for the same path, or one of them cannot be read.
func sameTarget(a, b *check.Flow) bool {
	x, y := a.Exchanges(), b.Exchanges()
	if len(x) == 0 || len(y) == 0 || x[0].Request == nil || y[0].Request == nil {
		return false
	}
	for i := range y {
		if y[i].Request != nil && path(y[i].Request) == path(x[0].Request) {
			return true
		}
	}
	return false
}

// path is the target of a request without its query.
func path(h *fact.HTTPHead) string {
	p, _, _ := strings.Cut(h.Target, "?")
	return p
}
