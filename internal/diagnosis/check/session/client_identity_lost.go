package session

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func clientIdentityLost() check.Check {
	return check.Check{
		Code:     "tls.client_identity_lost",
		Title:    "the origin wants the user's certificate, and behind the proxy it gets another one or none",
		Severity: finding.Critical,
		Refines:  []reason.Code{reason.TLSClientIdentityLost, reason.TLSClientCertRequired, reason.TLSClientCertRejected, reason.OriginStatus4xx},
		On:       []fact.Kind{fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth, fact.TLSHelloRequest},
		Needs:    check.Others,
		Silences: []finding.Code{"tls.client_cert_required", "tls.client_cert_rejected", "tls.handshake_alert", "http1.reset_before_answer", "http1.closed_before_answer"},
		Text: `Users log in to this site with certificates of their own: the browser proves in TLS that it holds the key. A proxy that ends TLS
cannot repeat that proof to the origin, because the key stays with the user. So on the back leg the origin is shown the
**proxy's** certificate, or none. Then it refuses (alert 40 or 116, 403.7, 403.16), serves as to an unknown user, or, worst,
serves everybody as one and the same user.

Directly it works, through the proxy never, and no setting of TLS on the back leg mends it. nginx, HAProxy and Envoy behave the
same; their answer, too, is a field: $ssl_client_escaped_cert, ssl_c_der, x-forwarded-client-cert.

It is seen by comparing two connections to the same path: one that shows the user's certificate and is served, one that shows
another or none and is not. Where no connection with a user's certificate was seen it remains tls.client_cert_required.`,
		Asks: []string{
			"Does the application log users in by certificate? On IIS: `%windir%\\system32\\inetsrv\\appcmd list config /section:iisClientCertificateMappingAuthentication`",
			"Can it read the certificate from a field (Client-Cert, X-ARR-ClientCert, MS-ASPNETCORE-CLIENTCERT)?",
		},
		Mends: []finding.Mend{
			mendForward(),
			{On: finding.Lunette, Do: "Or do not end TLS for this name (passthrough: true on the site): the connection goes to the origin unread, without the protection of the rules."},
			{On: finding.IIS, Do: "Behind ARR and ASP.NET: read the certificate from X-ARR-ClientCert; in ASP.NET Core: AddCertificateForwarding. Take the field from the proxy's address only.",
				Lines: "// Program.cs\nservices.AddCertificateForwarding(o => o.CertificateHeader = \"X-ARR-ClientCert\");"},
			{On: finding.Java, Do: "Tomcat: SSLValve reads the certificate from a field. Take the field from the proxy's address only.",
				Lines: `<Valve className="org.apache.catalina.valves.SSLValve" sslClientCertHeader="client-cert" />`},
			{On: finding.Origin, Do: "Require of the proxy itself a certificate, and trust the field with the user's one from it alone."},
		},
		Sources: []string{"RFC 9440 (Client-Cert)", "RFC 5246 section 7.4.8", "Microsoft: certificate forwarding in ASP.NET Core", "Apache Tomcat: SSLValve"},
		Run:     runClientIdentityLost,
	}
}

func runClientIdentityLost(c *check.Case) *check.Verdict {
	f := c.Flow
	asked, shown := shownBy(f)
	if asked < 0 {
		return nil
	}
	failed, how := refusedHere(f)
	for _, o := range append(c.Others[:len(c.Others):len(c.Others)], c.Normal) {
		if o == nil || o.Client.Addr() == f.Client.Addr() && o.Purpose == "" && o != c.Normal || o.Purpose != "" || !pleased(o) || !sameTarget(f, o) {
			continue
		}
		i, theirs := shownBy(o)
		if i < 0 || theirs == "" || theirs == shown {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(asked, "the origin asks for a client certificate"), f.ProofOther(&o.Facts[i], "on another connection to this path it is shown "+theirs+", and serves the page")}}
		mine := "none"
		if shown != "" {
			mine = shown
		}
		if given := f.FirstOf(fact.SideClient, fact.TLSCertificate); given >= 0 {
			v.Proof = append(v.Proof, f.Proof(given, "here it is shown "+mine))
		}
		what := "the page was served, to whom the origin took this for"
		if failed >= 0 {
			v.Proof = append(v.Proof, f.Proof(failed, how))
			what = how
		} else if pleased(f) {
			v.Confidence, v.Severity, v.Settle = finding.Possible, finding.Warning, "whom the application takes the user for, on its page or in its log"
		} else {
			continue
		}
		v.Summary = fmt.Sprintf("For %s the origin asks for a client certificate: shown %s it serves the page, here it was shown %s, and %s.", target(f), theirs, mine, what)
		return v
	}
	return nil
}

// shownBy is where the origin asked for a certificate, and the subject of what the client showed, "" for none; -1 where it did not ask.
func shownBy(f *check.Flow) (int, string) {
	asked := f.First(fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth)
	if asked < 0 {
		return -1, ""
	}
	given := f.Find(asked, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSCertificate && x.Side == fact.SideClient && !emptyCertificate(x)
	})
	if given < 0 {
		return asked, ""
	}
	return asked, f.Facts[given].Text
}

// refusedHere is what the origin did instead of serving the page; -1 where it served it, or nothing was seen.
func refusedHere(f *check.Flow) (int, string) {
	if i := fatalAfter(f, fact.SideServer, -1); i >= 0 {
		return i, "the origin broke off with " + alertWords(&f.Facts[i])
	}
	for i := range f.Exchanges() {
		if x := &f.Exchanges()[i]; x.Status() == 401 || x.Status() == 403 {
			return x.ResponseAt, fmt.Sprintf("the origin answered %d", x.Status())
		}
	}
	if end := f.Ended(); end.At >= 0 && end.Side == fact.SideServer && len(f.Exchanges()) > 0 && f.Exchanges()[0].ResponseAt < 0 {
		return end.At, endWords(end)
	}
	return -1, ""
}
