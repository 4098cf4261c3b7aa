package session

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func helloRequestIgnored() check.Check {
	return check.Check{
		Code:      "tls.hello_request_ignored",
		Title:     "the origin asked to renegotiate and got no answer",
		Severity:  finding.Critical,
		Catalogue: []int{33},
		Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.TLSRenegotiationFailed, reason.ReadResetBeforeHeader, reason.ReadEOFBeforeHeader, reason.ReadOverTotalTime, reason.ClientGone},
		Silences: []finding.Code{"tls.hello_request_refused", "tls.handshake_alert", "http1.slow_first_byte", "http1.reset_before_answer", "http1.closed_before_answer",
			"http1.answer_stalled", "client.gone", "read.timer_inversion"},
		Text: `The origin reads the request and then sends a TLS **HelloRequest** inside the session: it wants a second handshake, nearly always
to ask for a client certificate that this part of the site accepts or requires. A client may ignore it (RFC 5246 section 7.4.1.1),
and then both sides conform and both wait: the origin for a ClientHello, the client for its page. The wait ends with somebody's
timer: http.sys resets after 120 s, Apache httpd serves the page after 20 s (mod_reqtimeout) or after Timeout (60 s), a proxy in
front answers 504 first, or the user leaves (499). Always the same round figure is the mark of it.

The same site works in a browser, which answers. Logs are silent: nginx says *upstream timed out (110) while reading response
header from upstream*, HAProxy **sH**, Envoy **UT**. IIS writes nothing to the site's log, but a line with
**Timer_SslRenegotiation** and the client's port to HTTPERR. Apache logs AH02226 (*Awaiting re-negotiation handshake*) at level
info.

Up to TLS 1.2 it shows without any key: after application data, a record of type handshake from the server, of the length that a
message of four bytes has under the cipher suite; then nothing of type handshake or alert from the client. A slow application
looks alike to the proxy, but sends no record at all before its answer (http1.slow_first_byte). Where the client answers with an
alert it is tls.hello_request_refused, where a request body is stuck tls.renegotiation_body_deadlock.`,
		Asks: []string{
			"On IIS, in cmd as administrator: `findstr /s Timer_SslRenegotiation %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`",
			"On IIS, who asks: `findstr /si \"SslNegotiateCert SslRequireCert\" %windir%\\system32\\inetsrv\\config\\applicationHost.config`, and the same over the web.config files of the site",
			"On Apache httpd: `grep -rn SSLVerifyClient /etc/apache2 /etc/httpd` and in .htaccess files; `grep AH02226` in the error log at LogLevel ssl:info",
		},
		Mends:   append(mendsAsking(), mendAnswer()),
		Sources: []string{"RFC 5246 section 7.4.1.1", "Microsoft KB820729 (HTTPERR reason phrases)", "rustls#1999", "deno#32245", "cert-manager#5568", "traefik#10054", "mitmproxy#7612"},
		Run:     runHelloRequestIgnored,
	}
}

func runHelloRequestIgnored(c *check.Case) *check.Verdict {
	if v := unanswered(c.Flow); v != nil {
		return v
	}
	if v := unansweredByLog(c.Flow); v != nil {
		return v
	}
	for _, o := range c.Others {
		if o.Purpose == "" || len(c.Flow.Exchanges()) == 0 && !c.Flow.Established() {
			continue
		}
		if v := unanswered(o); v != nil {
			return ofVariant(c.Flow, o, v, "A client that does not answer the origin's HelloRequest is left to wait")
		}
	}
	return nil
}

// unanswered judges the connection by itself.
func unanswered(f *check.Flow) *check.Verdict {
	for _, a := range requests(f) {
		if a.answer != ignored {
			continue
		}
		until, content, end := over(f, a.at)
		waited := until.Sub(f.Facts[a.at].At)
		if waited < patience {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Proof: []finding.Proof{f.Proof(a.at, "the origin sends HelloRequest: it asks to renegotiate")}}
		how := "until " + endWords(end)
		switch {
		case content >= 0:
			how = "until the origin went on without"
			v.Proof = append(v.Proof, f.Proof(content, "the origin goes on by itself, after "+finding.Span(waited)))
		case end.At >= 0:
			v.Proof = append(v.Proof, f.Proof(end.At, "it ends here after "+finding.Span(waited)+": no ClientHello, no refusal"))
		case f.Watched&check.Lasting != 0 && waited >= longPatience:
			how, v.Lasts = "and still wait", true
		default:
			v.Confidence, v.Settle = finding.Likely, "watch until the connection ends, or give the origin's log (--origin-log)"
		}
		if lostUntil(f, fact.SideServer, a.at, until) {
			v.Confidence, v.Settle = finding.Likely, "a capture in which no packet of the server is lacking: it may have gone on in one"
		}
		if more := f.NextOf(fact.SideClient, a.at, fact.TLSApplicationData); more >= 0 && content < 0 {
			v.Confidence, v.Settle = finding.Likely, "the decrypted content: the client was still sending, so that its answer may stand behind a body"
		}
		if f.Facts[a.at].Text == "by_place" || f.Has(fact.TCPMidstream) {
			v.Confidence, v.Settle = finding.Likely, "a capture that begins with the connection: without its suite the length of the record says nothing"
		}
		if end.At < 0 && content < 0 && logged(f, "Timer_SslRenegotiation") >= 0 {
			how = "until the origin's timer ran out"
		}
		confirm(f, v, "Timer_SslRenegotiation", "AH02226", "AH01382")
		if i := contradicted(f, a.at); i >= 0 {
			v.Confidence, v.Settle = finding.Possible, "the decrypted content: the record has the length of a HelloRequest, and the origin's log names another reason"
			v.Proof = append(v.Proof, f.Proof(i, logWords(&f.Facts[i])+", which speaks against it"))
		}
		v.Summary = fmt.Sprintf("The origin answered %s with a HelloRequest (it wants a new handshake) and nobody answered that; both sides waited %s, %s.",
			line(f, a.at), finding.Span(waited), how)
		return v
	}
	return nil
}

// confirm takes a line of the origin's log with one of the phrases as proof, which makes v certain where it is surely about f.
func confirm(f *check.Flow, v *check.Verdict, phrases ...string) {
	if i := logged(f, phrases...); i >= 0 {
		believe(f, v, i)
		v.Proof = append(v.Proof, f.Proof(i, logWords(&f.Facts[i])))
	}
}

// contradicted is the line of the origin's log that names another reason for a wait, where the HelloRequest at index i is known by the
// length of its record only; -1 without.
func contradicted(f *check.Flow, i int) int {
	if f.Facts[i].Text == "" {
		return -1
	}
	at, _ := f.Logged(func(l *fact.OriginLog) bool {
		switch {
		case l.Format == "httperr":
			return !strings.EqualFold(l.Phrase, "Timer_SslRenegotiation") && (strings.HasPrefix(l.Phrase, "Timer_") || strings.HasPrefix(l.Phrase, "App") || l.Phrase == "QueueFull")
		case l.Format == "w3c":
			return l.Status > 0 && l.Took > int64(patience) // the application ran, and took that long
		}
		return false
	})
	return at
}

// unansweredByLog is what http.sys alone says: its line names the timer, and it counts from a HelloRequest.
func unansweredByLog(f *check.Flow) *check.Verdict {
	i := logged(f, "Timer_SslRenegotiation")
	if i < 0 {
		return nil
	}
	for _, a := range requests(f) {
		if a.answer == complied || a.answer == refusal {
			return nil // it came to more than that
		}
	}
	return byLog(f, i, &check.Verdict{Proof: []finding.Proof{f.Proof(i, logWords(&f.Facts[i]))},
		Summary: "By its own log (Timer_SslRenegotiation) the origin asked this connection for a new handshake and gave up waiting for it."})
}

// ofVariant turns what was found about a connection that was made on purpose into a warning about f.
func ofVariant(f, o *check.Flow, v *check.Verdict, what string) *check.Verdict {
	w := &check.Verdict{Confidence: v.Confidence, Severity: finding.Warning, Waited: v.Waited, Settle: v.Settle}
	for _, p := range v.Proof {
		if p.Index >= 0 && p.Index < len(o.Facts) {
			w.Proof = append(w.Proof, f.ProofOther(&o.Facts[p.Index], p.Text+" (tried as "+o.Purpose+")"))
		}
	}
	w.Summary = what
	if v.Waited > 0 {
		w.Summary += fmt.Sprintf(" (%s in the trial %s)", finding.Span(v.Waited), o.Purpose)
	}
	w.Summary += "; Lunette answers, other clients and proxies may not."
	return w
}
