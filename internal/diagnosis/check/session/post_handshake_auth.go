package session

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func postHandshakeAuth() check.Check {
	return check.Check{
		Code:      "tls.post_handshake_auth",
		Title:     "the origin wants a client certificate after a TLS 1.3 handshake, which this client does not do",
		Severity:  finding.Critical,
		Catalogue: []int{40},
		Refines:   []reason.Code{reason.OriginStatus4xx, reason.TLSAlert, reason.ReadResetBeforeHeader, reason.TLSClientCertRequired, reason.ReadFirstByteTimeout},
		On:        []fact.Kind{fact.TLSPostHandshakeAuth, fact.ResponseHead, fact.OriginLogged, fact.TCPReset},
		Silences:  []finding.Code{"http1.reset_before_answer", "http1.slow_first_byte", "tls.handshake_alert", "http1.closed_before_answer"},
		Text: `TLS 1.3 has no renegotiation. A server that wants a certificate for one path only may ask after the handshake (RFC 8446 section
4.6.2), but only a client that offered **post_handshake_auth** in its ClientHello. Go, most libraries and most browsers never
offer it. Apache httpd then answers **403** within milliseconds and logs AH10158 *cannot perform post-handshake authentication*.
IIS with Accept hands the application no certificate at all, with Require it answers 403 or resets. A server that asks all the
same breaks the rule, and the client ends the connection with unexpected_message (10).

So a site that worked breaks on the day on which the server, or the proxy, learns TLS 1.3: with 1.2 the same path renegotiates.
Browsers that cap themselves, or curl with its OpenSSL, which offers it, still work.

Without the secrets nothing shows but application data. The 403 alone proves nothing, since applications forbid pages too: it
takes the origin's log, or the same request over TLS 1.2 that is answered with a HelloRequest. A client that did offer, and sent
an empty certificate, gets alert 116 (tls.client_cert_required).`,
		Asks: []string{
			"On Apache httpd: `grep AH10158 /var/log/apache2/error.log`",
			"Does the same request over TLS 1.2 get another answer? `openssl s_client -tls1_2 -connect {origin} -servername {host}`",
		},
		Mends: append([]finding.Mend{
			{On: finding.Lunette, Do: "Speak TLS 1.2 to this origin, which can renegotiate; with a certificate where one is required.",
				Lines: "origin:\n  tls:\n    max_version: \"1.2\"\n    renegotiation: auto\n  http: \"1.1\""},
			{On: finding.IIS, Do: "Turn TLS 1.3 off for the binding (sslFlags 32, Windows Server 2022): add 32 to the number that is there; 33 is SNI without TLS 1.3. Clients of this binding then speak TLS 1.2.",
				Lines: sslFlagsLines()},
			{On: finding.Apache, Do: "Or turn TLS 1.3 off for the virtual host whose paths ask for certificates; add it to the line that is there.", Lines: "SSLProtocol all -SSLv3 -TLSv1.3"},
		}, mendsAsking()...),
		Sources: []string{"RFC 8446 sections 4.2.6 and 4.6.2", "aspnetcore#41162", "vcert#533", "ansible.windows#333", "Apache mod_ssl: SSLVerifyClient"},
		Run:     runPostHandshakeAuth,
	}
}

func runPostHandshakeAuth(c *check.Case) *check.Verdict {
	f := c.Flow
	if i := logged(f, "AH10158"); i >= 0 {
		return byLog(f, i, &check.Verdict{Proof: []finding.Proof{f.Proof(i, logWords(&f.Facts[i]))},
			Summary: "The origin wanted a client certificate for " + target(f) + " after the TLS 1.3 handshake; the client had not offered that, so the origin refused."})
	}
	if v := askedUnoffered(f); v != nil {
		return v
	}
	return forbidden13(c)
}

// askedUnoffered is a CertificateRequest after the handshake that the client could not take, or did not answer.
func askedUnoffered(f *check.Flow) *check.Verdict {
	i := f.First(fact.TLSPostHandshakeAuth)
	if i < 0 || f.NextOf(fact.SideClient, i, fact.TLSCertificate) >= 0 || lostBetween(f, fact.SideClient, i, -1) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "the origin asks for a client certificate, after the handshake")}}
	h, _ := f.Hello()
	if h != nil && !h.PostHandshakeAuth {
		v.Proof = append(v.Proof, f.Proof(f.First(fact.TLSClientHello), "the client had not offered post_handshake_auth"))
	}
	until, content, end := over(f, i)
	waited := until.Sub(f.Facts[i].At)
	refuses := fatalAfter(f, fact.SideClient, i)
	switch {
	case content >= 0 && waited < patience:
		return nil // it went on without
	case refuses >= 0:
		v.Proof = append(v.Proof, f.Proof(refuses, "the client breaks off with "+alertWords(&f.Facts[refuses])))
		v.Summary = "The origin asked for a client certificate after the TLS 1.3 handshake, which the client had not offered; the client broke off with " + alertWords(&f.Facts[refuses]) + "."
	case waited >= patience:
		v.Waited = waited
		v.Summary = "The origin asked for a client certificate after the TLS 1.3 handshake and the client did not answer; both waited " + finding.Span(waited) + "."
		if v.Lasts = f.Lasts(i); v.Lasts && waited >= longPatience {
			v.Summary = "The origin asked for a client certificate after the TLS 1.3 handshake and the client has not answered; both have waited " + finding.Span(waited) + ", so far."
		} else if content < 0 && end.At < 0 {
			v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
		} else if content < 0 {
			v.Proof = append(v.Proof, f.Proof(end.At, "it ends here: "+endWords(end)))
		}
	default:
		return nil
	}
	return v
}

// forbidden13 is a 403 over TLS 1.3 to a path for which the origin renegotiates in older versions.
func forbidden13(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	if f.Version() != tls13 || h == nil || h.PostHandshakeAuth || f.Has(fact.TLSCertificateRequest) {
		return nil
	}
	failed, how := refusedOrReset(f)
	if failed < 0 {
		return nil
	}
	for _, o := range append(c.Others[:len(c.Others):len(c.Others)], c.Normal) {
		if o == nil || !sameTarget(f, o) {
			continue
		}
		asks := o.First(fact.TLSHelloRequest, fact.TLSPostHandshakeAuth)
		if asks < 0 {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the client does not offer post_handshake_auth"), f.Proof(failed, "the origin "+how),
			f.ProofOther(&o.Facts[asks], "the same request on another connection: there the origin asks for a client certificate")}}
		v.Summary = "Over TLS 1.3 the origin " + how + " to " + target(f) + "; on a connection on which it can ask, it asks for a client certificate there."
		if !pleased(o) {
			v.Confidence, v.Settle = finding.Likely, "the same request with a client certificate over TLS 1.2, or AH10158 in the origin's log"
		}
		return v
	}
	return forbiddenAlone(c, at, failed, how)
}

// forbiddenAlone is the same without a connection to compare with: a server that is known to answer so did. It may forbid the page as well.
func forbiddenAlone(c *check.Case, hello, failed int, how string) *check.Verdict {
	f := c.Flow
	if runs := check.System(c); f.Facts[failed].Kind != fact.ResponseHead || runs != finding.Apache && runs != finding.IIS {
		return nil
	}
	return &check.Verdict{Confidence: finding.Possible, Severity: finding.Info,
		Settle:  "the same request over TLS 1.2 (lunette doctor asks so): does the origin send a HelloRequest there? Or AH10158 in the origin's log",
		Proof:   []finding.Proof{f.Proof(hello, "the client does not offer post_handshake_auth"), f.Proof(failed, "the origin "+how)},
		Summary: "Over TLS 1.3 the origin " + how + " to " + target(f) + ". It may forbid the page, or want a client certificate for it, which it cannot ask for here."}
}

// refusedOrReset is where f was answered 403, or reset instead of an answer; -1 without.
func refusedOrReset(f *check.Flow) (int, string) {
	for i := range f.Exchanges() {
		x := &f.Exchanges()[i]
		if x.Status() == 403 {
			return x.ResponseAt, "answers 403"
		}
		if reset := f.NextOf(fact.SideServer, x.RequestAt, fact.TCPReset); x.ResponseAt < 0 && x.RequestAt >= 0 && reset >= 0 {
			return reset, "resets the connection"
		}
	}
	return -1, ""
}
